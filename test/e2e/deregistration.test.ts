import { afterEach, expect, it } from 'vitest'
import { h1Client } from './support/clients.ts'
import { type Gatehouse, projectFolder, source, startGatehouse } from './support/gatehouse.ts'

const [node = '', ...main] = source

let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

/** Resolves with a way to ask for a status, each time on a connection of its own, so that both threads are asked. */
async function startTelling(delay: string): Promise<{ running: Gatehouse; statusOf(path: string): Promise<number> }> {
  const running = startGatehouse({
    command: [node, '--import', `${projectFolder}/test/fixtures/thread-faults.js`, ...main],
    config: `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:0", health: true } }
  routes: [{ path: /old, redirect: { to: /new } }]
shutdown: { budget: 20s, deregistrationDelay: ${delay} }
storage: ./storage
control: { socket: ./control.sock }
`,
  })
  gatehouse = running
  await running.ready()
  const url = await running.url('http')
  return {
    running,
    async statusOf(path) {
      const client = h1Client(url)
      const { status } = await client.get(path)
      client.close()
      return status
    },
  }
}

/** Several times in a row, for the system chooses the thread that is asked. */
async function becomes503(statusOf: (path: string) => Promise<number>): Promise<void> {
  const begun = performance.now()
  for (let inRow = 0; inRow < 10; inRow = (await statusOf('/readyz')) === 503 ? inRow + 1 : 0) {
    expect(performance.now() - begun).toBeLessThan(2_000)
  }
}

it('SIGTERM turns readiness to 503 in every thread, and requests are answered until the delay is over', async () => {
  const { running, statusOf } = await startTelling('3s')
  expect(await statusOf('/readyz')).toBe(200)

  const signalled = performance.now()
  running.signal('SIGTERM')
  await becomes503(statusOf)
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => [
      await statusOf('/readyz'),
      await statusOf('/healthz'),
      await statusOf('/old'),
    ]),
  )
  expect(answers).toEqual(Array(20).fill([503, 200, 302]))
  expect(await running.exit).toEqual({ code: 0, signal: null })
  expect(performance.now() - signalled).toBeGreaterThan(3_000)
  // Health is asked all the time, and is nothing to read about.
  expect(running.lines.filter(({ path }) => path === '/readyz' || path === '/healthz')).toEqual([])
  expect(running.lines.filter(({ path }) => path === '/old')).toHaveLength(20)
})

it('a thread that is replaced in the meantime is not ready either', async () => {
  const { running, statusOf } = await startTelling('6s')
  running.signal('SIGTERM')
  await becomes503(statusOf)
  await statusOf('/fault/throw')
  await running.waitFor({ message: /^gateway thread \d was replaced/ })
  // Once more if the thread that goes closed its listener with this connection in the queue: the known edge of reusePort.
  const asked = () => statusOf('/readyz').catch(() => statusOf('/readyz'))
  for (let times = 0; times < 30; times += 1) expect(await asked()).toBe(503)
  expect(await running.exit).toEqual({ code: 0, signal: null })
})
