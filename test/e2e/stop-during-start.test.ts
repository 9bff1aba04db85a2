/** A stop that comes in the midst of a start: nothing more begins. What runs already is ended as ever. */
import { existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { binary, type Gatehouse, runGatehouse, source, startGatehouse } from './support/gatehouse.ts'

const running: Gatehouse[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((gatehouse) => gatehouse.stop()))
})

/** Each says in a file that it has begun; one that fails at once would be started again and again. */
const config = `
control: { socket: ./control.sock }
storage: ./storage
shutdown: { budget: 10s, deregistrationDelay: 300ms }
gateway: { listeners: { http: { address: "127.0.0.1:0" } }, routes: [{ path: /api/*, to: api }] }
processes:
  database: { command: [sh, -c, "echo $0 >> begun; sleep 0.1; echo up; exec sleep 600", database], ready: { log: "^up$" } }
  migrate: { kind: task, command: [sh, -c, "echo migrate >> begun; sleep 0.1"], dependsOn: { database: ready } }
  api: { command: [sh, -c, "echo api >> begun; sleep 0.1; echo up; exec sleep 600"], ready: { log: "^up$" }, dependsOn: { migrate: completed }, port: auto }
  worker: { command: [sh, -c, "echo worker >> begun; exec sleep 600"], dependsOn: { api: ready } }
  unlucky: { command: [sh, -c, "echo unlucky >> begun; sleep 0.05; exit 1"], restart: { backoff: { first: 50ms, max: 50ms } }, criticality: rebuildable }
`

function start(command: readonly string[] = binary): Gatehouse {
  const gatehouse = startGatehouse({ config, command })
  running.push(gatehouse)
  return gatehouse
}

function begun({ folder }: Gatehouse): string[] {
  const file = join(folder, 'begun')
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
}

/** Every program that began is in the log, and none of them behind the line that says what ends the run. */
async function nothingBeganAfterwards(gatehouse: Gatehouse): Promise<void> {
  const { code, signal } = await gatehouse.exit
  const lines = gatehouse.lines
  const end = lines.findIndex(({ message }) => message === 'stopping: SIGTERM')
  // Before the first moments of Node are over the signal ends it by itself.
  if (signal === 'SIGTERM') expect(begun(gatehouse)).toEqual([])
  else expect({ code, end: end >= 0, last: lines.at(-1)?.message }).toEqual({ code: 0, end: true, last: 'stopped' })
  const starts = (part: typeof lines) =>
    part.filter(({ message }) => message === 'started').map(({ process }) => process)
  expect(starts(lines.slice(Math.max(end, 0)))).toEqual([])
  expect(begun(gatehouse).length).toBeLessThanOrEqual(starts(lines).length)
}

describe('SIGTERM', () => {
  it('after a line that the start writes, whichever: no program begins any more', async () => {
    const whole = start()
    await whole.waitFor({ process: 'worker', message: 'started' })
    const count = whole.lines.length
    await whole.stop()
    for (let first = 0; first < count; first += 6) {
      await Promise.all(
        [first, first + 2, first + 4].map(async (index) => {
          const gatehouse = start()
          await gatehouse.waitFor(() => gatehouse.lines.length > index)
          gatehouse.signal('SIGTERM')
          await nothingBeganAfterwards(gatehouse)
        }),
      )
    }
  })

  it('in the first moments, before it says anything: nothing begins at all', async () => {
    for (let wait = 0; wait < 320; wait += 40) {
      const gatehouse = start()
      await pause(wait)
      gatehouse.signal('SIGTERM')
      await nothingBeganAfterwards(gatehouse)
    }
  })
})

/** A machine on which much lies between the first moment of the control socket and the rest of the start. */
const slowly = `
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
const { lstat, rename } = fs.promises
fs.promises.rename = async (from, to) => {
  if (to.endsWith('.sock')) await new Promise((resolve) => setTimeout(resolve, 2_000))
  return rename(from, to)
}
fs.promises.lstat = async (path) => {
  if (fs.existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 2_000))
  return lstat(path)
}
syncBuiltinESMExports()
`

describe('while it starts and stops, the control socket', () => {
  it('reports that gatehouse starts until all parts are up', async () => {
    const [node = '', ...main] = source
    const gatehouse = start([node, '--import', `data:text/javascript,${encodeURIComponent(slowly)}`, ...main])
    const socket = join(gatehouse.folder, 'control.sock')
    await expect.poll(() => existsSync(`${socket}.lock`), { timeout: 20_000, interval: 20 }).toBe(true)
    const early = await runGatehouse(['healthcheck', '-s', socket])
    expect(early).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^starting: gatehouse \(pid \d+\) does not listen/),
    })
    await expect.poll(() => existsSync(socket), { timeout: 20_000, interval: 20 }).toBe(true)
    // A busy machine may answer later than `ask` waits.
    const status = async () => (await ask(socket, '/v1/status'))[0] ?? ''
    await expect.poll(status, { timeout: 10_000 }).toMatch(/^200 .*"starting":true/)
    expect(await ask(socket, '/v1/processes/api/start')).toEqual([expect.stringMatching(/^409 .*starting or stopping/)])
    expect(await ask(socket, '/dashboard/')).toEqual([expect.stringMatching(/^200 /)])
    const health = await runGatehouse(['healthcheck', '-s', socket])
    expect(health).toMatchObject({ code: 1, stdout: 'starting: gatehouse itself is starting\n' })
    await gatehouse.waitFor({ process: 'database', message: 'started' })
    expect((await ask(socket, '/v1/status'))[0]).not.toMatch(/"starting":true/)
  })

  it('reports that it starts or that it stops, never an internal error', async () => {
    const gatehouse = start()
    const { folder } = gatehouse
    const socket = join(folder, 'control.sock')
    const words: string[] = []
    let over = false
    void gatehouse.exit.then(() => {
      over = true
    })
    const asking = (async () => {
      while (!over) {
        for (const path of ['/v1/status', '/v1/processes/api/start', '/dashboard/', '/v1/events'])
          words.push(...(await ask(socket, path)))
      }
    })()
    await gatehouse.waitFor({ process: 'api', state: 'running' })
    const verdicts = [(await runGatehouse(['healthcheck', '-s', socket])).stdout]
    gatehouse.signal('SIGTERM')
    await gatehouse.waitFor({ message: 'stopping: SIGTERM' })
    verdicts.push((await runGatehouse(['healthcheck', '-s', socket])).stdout)
    await gatehouse.exit
    await asking
    expect(words.filter((word) => /initialization|internal|undefined/.test(word))).toEqual([])
    expect(words.some((word) => word.startsWith('200 '))).toBe(true)
    // What comes in the very last moment is cut.
    expect(verdicts[1]).toMatch(/^(stopping\n|unhealthy: (no gatehouse|.*ECONNRESET))/)
  })
})

/** Status and body, if there is an answer within a moment; a stream of events has no end. */
function ask(socketPath: string, path: string): Promise<string[]> {
  return new Promise((resolve) => {
    const method = path.endsWith('/start') ? 'POST' : 'GET'
    const asking = request({ socketPath, path, method, agent: false, timeout: 1_000 }, (response) => {
      let body = ''
      const done = () => resolve([`${response.statusCode} ${body}`])
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk
        if (path === '/v1/events') asking.destroy()
      })
      response.on('close', done).on('error', done)
    })
    asking.on('timeout', () => asking.destroy())
    asking.on('error', () => resolve([]))
    asking.end()
  })
}
