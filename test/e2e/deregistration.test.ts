import { afterEach, expect, it } from 'vitest'
import { h1Client } from './support/clients.ts'
import { type Gatehouse, source, startGatehouse } from './support/gatehouse.ts'

let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

it('SIGTERM turns readiness to 503 in every thread, and requests are answered until the delay is over', async () => {
  gatehouse = startGatehouse({
    command: source,
    config: `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:0", health: true } }
  routes: [{ path: /old, redirect: { to: /new } }]
shutdown: { budget: 20s, deregistrationDelay: 3s }
storage: ./storage
control: { socket: ./control.sock }
`,
  })
  await gatehouse.ready()
  const url = await gatehouse.url('http')
  // Each on a connection of its own, so that both threads are asked.
  const statusOf = async (path: string) => {
    const client = h1Client(url)
    const { status } = await client.get(path)
    client.close()
    return status
  }
  expect(await statusOf('/readyz')).toBe(200)

  const signalled = performance.now()
  gatehouse.signal('SIGTERM')
  // Several in a row, for the system chooses the thread that is asked.
  for (let inRow = 0; inRow < 10; inRow = (await statusOf('/readyz')) === 503 ? inRow + 1 : 0) {
    expect(performance.now() - signalled).toBeLessThan(2_000)
  }
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => [
      await statusOf('/readyz'),
      await statusOf('/healthz'),
      await statusOf('/old'),
    ]),
  )
  expect(answers).toEqual(Array(20).fill([503, 200, 302]))
  expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
  expect(performance.now() - signalled).toBeGreaterThan(3_000)
  // Health is asked all the time, and is nothing to read about.
  expect(gatehouse.lines.filter(({ path }) => path === '/readyz' || path === '/healthz')).toEqual([])
  expect(gatehouse.lines.filter(({ path }) => path === '/old')).toHaveLength(20)
})
