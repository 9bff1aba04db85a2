/** Upstreams of a config file in the whole program: threads get the results of the main thread's checks. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { startGatehouse } from './support/gatehouse.ts'

const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const ending of endings.splice(0).reverse()) await ending()
})

it('a target that is ill gets no requests, and is asked again when it is well', async () => {
  let well = true
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/health' && !well ? 500 : 200).end('served')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endings.push(() => server.close())
  const { port } = server.address() as AddressInfo
  const gatehouse = startGatehouse({
    config: `
gateway:
  listeners: { http: { address: "127.0.0.1:0" } }
  routes: [{ to: behind }]
upstreams:
  behind: { targets: ["http://127.0.0.1:${port}"], health: { http: /health, every: 50ms } }
storage: ./storage
control: { socket: ./control.sock }
`,
  })
  endings.push(() => gatehouse.stop())
  const url = await gatehouse.url('http')
  expect((await fetch(url)).status).toBe(200)
  well = false
  const { message } = await gatehouse.waitFor({ health: 'down' })
  expect(message).toBe(`upstream behind: http://127.0.0.1:${port} is down: /health answered 500`)
  await expect.poll(async () => (await fetch(url)).status).toBe(503)
  well = true
  await gatehouse.waitFor({ health: 'up' })
  await expect.poll(async () => (await fetch(url)).status).toBe(200)
})
