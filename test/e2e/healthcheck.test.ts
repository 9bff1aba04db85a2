/** What Docker and Kubernetes ask the program for. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { temporaryFolder } from '../control/fixture.ts'
import { type Gatehouse, runGatehouse, startGatehouse } from './support/gatehouse.ts'

let running: Gatehouse | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

function start(processes: string): Gatehouse {
  running = startGatehouse({
    config: `
gateway:
  listeners: { http: { address: "127.0.0.1:0" } }
  routes: [{ path: /, redirect: { to: /x } }]
storage: ./storage
control: { socket: ./control.sock }
processes:
${processes}`,
  })
  return running
}

/** The line it says, and its exit code. */
async function healthcheck(gatehouse: Gatehouse, ...words: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await runGatehouse(['healthcheck', gatehouse.file, ...words])
  expect(stderr).toBe('')
  return `${stdout.trimEnd()} -> ${code}`
}

const restart = 'restart: { policy: always, backoff: { first: 10ms, next: 10ms }, giveUp: { failures: 2 } }'

it('is starting until all are ready, then healthy, then unhealthy when one is fatal', async () => {
  const gatehouse = start(`
  db: { command: [sh, -c, "until [ -e up ]; do sleep 0.02; done; echo up; exec sleep 600"], ready: { log: ^up$ } }
  cache: { command: [sh, -c, "exit 3"], criticality: rebuildable, ${restart} }
  worker: { command: [sh, -c, "until [ -e broken ]; do sleep 0.02; done; exit 7"], ${restart} }
  api: { command: [sleep, "600"], dependsOn: { db: ready } }`)
  await gatehouse.waitFor({ process: 'cache', state: 'fatal' })
  await gatehouse.waitFor({ process: 'db', state: 'starting' })
  const warning = '(warning: cache is fatal: '
  const starting = await healthcheck(gatehouse)
  expect(starting).toContain(`starting: waiting for db ${warning}`)
  expect(starting).toMatch(/ -> 1$/)
  expect(await healthcheck(gatehouse, '--live')).toBe(`healthy: gatehouse is running, pid ${gatehouse.pid} -> 0`)

  touch(gatehouse, 'up')
  await gatehouse.waitFor({ process: 'api', state: 'running' })
  const healthy = await healthcheck(gatehouse)
  expect(healthy).toContain(`healthy ${warning}`)
  expect(healthy).toMatch(/ -> 0$/)

  touch(gatehouse, 'broken')
  await gatehouse.waitFor({ process: 'worker', state: 'fatal' })
  const unhealthy = await healthcheck(gatehouse)
  expect(unhealthy).toMatch(/^unhealthy: worker is fatal: .*\(warning: cache is fatal: .* -> 1$/)
})

it('is stopping, which is not healthy, once the end has begun', async () => {
  const gatehouse = start(`
  slow: { command: [sh, -c, "trap 'until [ -e done ]; do sleep 0.02; done; exit 0' TERM; echo up; while :; do sleep 0.02; done"], ready: { log: ^up$ } }`)
  await gatehouse.ready()
  gatehouse.signal('SIGTERM')
  await gatehouse.waitFor({ process: 'slow', state: 'stopping' })
  expect(await healthcheck(gatehouse)).toBe('stopping -> 1')
  touch(gatehouse, 'done')
  expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
})

it('finds the one that runs though its file has mistakes by now', async () => {
  const gatehouse = start('  a: { command: [sleep, "600"] }')
  await gatehouse.ready()
  appendFileSync(gatehouse.file, '\n  b: { comand: [sleep] }\ngatewey: {}\n')
  expect(await healthcheck(gatehouse)).toBe('healthy -> 0')
})

it('is unhealthy where nothing runs, or where nothing answers in time, and says so in one line', async () => {
  const folder = await temporaryFolder()
  const socket = join(folder, 'control.sock')
  const absent = await runGatehouse(['healthcheck', '--socket', socket])
  expect(absent).toMatchObject({ code: 1, stderr: '' })
  expect(absent.stdout).toMatch(/^unhealthy: no gatehouse listens on .*\n$/)

  const silent = createServer().listen(socket)
  try {
    const hung = await runGatehouse(['healthcheck', '--socket', socket, '--timeout', '200ms'])
    expect(hung).toMatchObject({ code: 1, stderr: '' })
    expect(hung.stdout).toMatch(/^unhealthy: .* no answer within 200 ms\n$/)
  } finally {
    silent.close()
  }
})

it('says what a time looks like, and teaches its use', async () => {
  const wrong = await runGatehouse(['healthcheck', '--timeout', '3'])
  expect(wrong.code).toBe(2)
  expect(wrong.stderr).toContain('write a duration such as `500ms` or `3s`')
  const { stdout } = await runGatehouse(['healthcheck', '--help'])
  for (const words of ['HEALTHCHECK --interval', 'livenessProbe', 'Exit codes:']) expect(stdout).toContain(words)
})

/** Files in its folder are what the programs of these tests wait for. */
function touch({ folder }: Gatehouse, name: string): void {
  writeFileSync(join(folder, name), '')
}
