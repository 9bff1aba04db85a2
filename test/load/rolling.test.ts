/** A process is replaced while it serves: the whole program with two threads, real clients and a real program. */
import { writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { setTimeout as rest } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type WebSocket from 'ws'
import {
  type Client,
  exchangeMessage,
  h1Client,
  h2Client,
  openWebSocket,
  rootCertificate,
} from '../e2e/support/clients.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { type Gatehouse, projectFolder, startGatehouse } from '../e2e/support/gatehouse.ts'

const upstream = `${projectFolder}/test/e2e/programs/upstream.js`
const crashing = `${projectFolder}/test/fixtures/programs/answers.js`
let gatehouse: Gatehouse | undefined

afterEach(async () => {
  const running = gatehouse
  gatehouse = undefined
  await running?.stop() // rejects if a process is left
})

interface Version {
  readonly set: string
  readonly program?: string
  readonly ready?: string
  readonly restart?: string
}

type Ports = readonly [http: number, https: number]

function configOf([http, https]: Ports, version: Version): string {
  const { set, program = upstream, ready = '{ http: /health, every: 20ms, deadline: 20s }', restart = '' } = version
  return `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:${http}" }, https: { address: "127.0.0.1:${https}", tls: true } }
  routes: [{ path: /*, to: app }]
certificates: [{ domains: [localhost, 127.0.0.1], use: [{ internal: {} }] }]
processes:
  app:
    command: [node, ${program}]
    port: auto
    ready: ${ready}
    environment: { set: { ${set} } }
    restart: { style: rolling, drain: 10s${restart} }
storage: ./storage
control: { socket: ./control.sock }
`
}

async function started(version: Version): Promise<{ one: Gatehouse; ports: Ports; roll(next: Version): number }> {
  const [http = 0, https = 0] = await freePorts(2)
  const ports: Ports = [http, https]
  const one = startGatehouse({ config: configOf(ports, version) })
  gatehouse = one
  await one.ready()
  return {
    one,
    ports,
    /** Returns the line of the log from which on the reload is reported. */
    roll(next) {
      const after = one.lines.length
      writeFileSync(one.file, configOf(ports, next))
      one.signal('SIGHUP')
      return after
    },
  }
}

interface Load {
  /** Sends requests until stopped; resolves with the answers by version, and every failure. */
  end(): Promise<{ readonly turns: readonly string[]; readonly answers: number; readonly failures: readonly string[] }>
}

/** Of each client, in milliseconds: a load without end would take the CPU that is needed for what is tested. */
const pace = 3

function load(client: Client): Load {
  const turns: string[] = []
  const failures: string[] = []
  let answers = 0
  let over = false
  const running = (async () => {
    while (!over) {
      try {
        const { status, body } = await client.get('/pid')
        answers += 1
        if (status !== 200) failures.push(`${client.protocol}: ${status}`)
        else if (turns.at(-1) !== body) turns.push(body)
      } catch (error) {
        failures.push(`${client.protocol}: ${error}`)
      }
      await rest(pace)
    }
    client.close()
  })()
  return {
    async end() {
      over = true
      await running
      return { turns, answers, failures }
    },
  }
}

function closedWith(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => socket.once('close', resolve))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function pidOver(base: string): Promise<number> {
  return Number(await (await fetch(`${base}/pid`)).text())
}

describe('a process with `restart: { style: rolling }`', () => {
  it('is replaced five times under load over h1, TLS h1, h2 and WebSockets, and no request fails', async () => {
    const { one, roll } = await started({ set: 'NAME: v0' })
    const ca = rootCertificate(`${one.folder}/storage`)
    const [http, https] = [await one.url('http'), await one.url('https')]
    const clients = () => [
      h1Client(http),
      h1Client(http),
      h1Client(https, ca),
      h1Client(https, ca),
      h2Client(https, ca),
      h2Client(https, ca),
    ]
    const loads = clients().map(load)
    const pids = [String(await pidOver(http))]
    for (let round = 1; round <= 5; round += 1) {
      const [plain, secure] = [await openWebSocket(http, '/ws'), await openWebSocket(https, '/ws', ca)]
      const closed = [closedWith(plain), closedWith(secure)]
      expect(await exchangeMessage(plain, 'hello')).toBe('hello')
      expect(await exchangeMessage(secure, 'hello')).toBe('hello')
      const asked = one.lines.length
      const slow = h1Client(http).get('/slow?ms=700')
      await one.waitFor({ message: 'waiting 1' }, { after: asked })
      const after = roll({ set: `NAME: v${round}` })
      await one.waitFor({ process: 'app', message: /took over/ }, { after })
      expect(await slow).toMatchObject({ status: 200, body: 'slow' })
      expect(await Promise.all(closed)).toEqual([1001, 1001])
      const done = await one.waitFor({ reload: 'done' }, { after })
      expect(done).toMatchObject({ level: 'info', rolled: ['app'], restarted: [] })
      expect(isAlive(Number(pids.at(-1)))).toBe(false)
      pids.push(String(await pidOver(http)))
    }
    const results = await Promise.all(loads.map((one) => one.end()))
    expect(results.flatMap(({ failures }) => failures)).toEqual([])
    for (const { turns, answers } of results) {
      expect(turns).toEqual(pids)
      expect(answers).toBeGreaterThan(50)
    }
    expect(new Set(pids).size).toBe(6)
  }, 60_000)

  it.each([
    ['crashes at boot', { set: 'BROKEN: "1"', program: crashing }, /exited with code 7/],
    [
      'never gets ready',
      { set: 'READY_AFTER: "60000"', ready: '{ http: /health, every: 20ms, deadline: 1s }' },
      /not ready within 1s/,
    ],
  ])(
    'goes on unharmed when the new version %s, and is replaced by the fixed one',
    async (_, broken, reason) => {
      const { one, roll } = await started({ set: 'NAME: good' })
      const http = await one.url('http')
      const loads = [load(h1Client(http)), load(h1Client(http))]
      const before = await pidOver(http)
      const giveUp = ', backoff: { first: 0s, next: 10ms }, giveUp: { failures: 2, within: 60s }'
      const after = roll({ ...broken, restart: giveUp })
      const done = await one.waitFor({ reload: 'done' }, { after })
      expect(done).toMatchObject({ level: 'error', message: 'reloaded, but not replaced: app', rolled: [] })
      expect(done.kept).toEqual([{ process: 'app', reason: expect.stringMatching(reason) }])
      expect(await one.waitFor({ level: 'error', process: 'app', message: reason }, { after })).toBeDefined()
      expect(await pidOver(http)).toBe(before)

      const fixed = roll({ set: 'NAME: fixed' })
      expect(await one.waitFor({ reload: 'done' }, { after: fixed })).toMatchObject({ rolled: ['app'] })
      const next = await pidOver(http)
      for (const { turns, failures } of await Promise.all(loads.map((one) => one.end()))) {
        expect(failures).toEqual([])
        expect(turns).toEqual([String(before), String(next)])
      }
    },
    40_000,
  )

  it('is replaced by the second of two versions that come quickly, which ends the first', async () => {
    const { one, roll } = await started({ set: 'NAME: v1' })
    const http = await one.url('http')
    const running = load(h1Client(http))
    const before = await pidOver(http)
    const first = roll({ set: 'NAME: v2, READY_AFTER: "60000"' })
    const { pid } = await one.waitFor({ process: 'app', role: 'successor', state: 'starting' }, { after: first })
    const second = roll({ set: 'NAME: v3' })
    await one.waitFor((line) => line.reload === 'done' && String(line.rolled) === 'app', { after: second })
    expect(isAlive(Number(pid))).toBe(false)
    const { turns, failures } = await running.end()
    expect(failures).toEqual([])
    expect(turns).toEqual([String(before), String(await pidOver(http))])
    expect(one.lines.some(({ message }) => message === 'v3 listens')).toBe(true)
  }, 40_000)

  it('ends together with its successor when Gatehouse is stopped meanwhile', async () => {
    const { one, roll } = await started({ set: 'NAME: v1' })
    const after = roll({ set: 'NAME: v2, READY_AFTER: "60000"' })
    await one.waitFor({ process: 'app', role: 'successor', state: 'starting' }, { after })
    expect(await one.stop()).toEqual({ code: 0, signal: null })
    gatehouse = undefined
  }, 40_000)

  it('is taken over at once by its successor when it is killed meanwhile', async () => {
    const { one, roll } = await started({ set: 'NAME: v1' })
    const http = await one.url('http')
    const before = await pidOver(http)
    const after = roll({ set: 'NAME: v2, READY_AFTER: "1500"' })
    const { pid } = await one.waitFor({ process: 'app', role: 'successor', state: 'starting' }, { after })
    process.kill(before, 'SIGKILL')
    expect(await one.waitFor({ reload: 'done' }, { after })).toMatchObject({ rolled: ['app'] })
    await one.waitFor({ process: 'app', message: /^ready after/ }, { after })
    await expect.poll(() => pidOver(http)).toBe(pid)
    expect(one.lines.filter((line) => line.message === 'v1 listens')).toHaveLength(1)
  }, 40_000)

  it('is started again at another port after a crash, and both threads find it there', async () => {
    const { one } = await started({ set: 'NAME: v1' })
    const http = await one.url('http')
    const before = await pidOver(http)
    const after = one.lines.length
    process.kill(before, 'SIGKILL')
    const { pid } = await one.waitFor({ process: 'app', ready: true }, { after })
    await expect.poll(() => pidOver(http)).toBe(pid)
    // Each on a connection of its own, so that both threads are asked.
    const answers = await Promise.all(
      Array.from(
        { length: 40 },
        () =>
          new Promise((resolve, reject) => {
            request(`${http}/pid`, { agent: false }, (response) => resolve(response.resume().statusCode))
              .on('error', reject)
              .end()
          }),
      ),
    )
    expect(new Set(answers)).toEqual(new Set([200]))
  }, 40_000)
})
