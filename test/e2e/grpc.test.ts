/** gRPC through the whole program: two threads, a process that is replaced under load, an upstream checked by gRPC. */
import { writeFileSync } from 'node:fs'
import { Metadata, status } from '@grpc/grpc-js'
import { afterEach, expect, it } from 'vitest'
import { askUnary, type EchoClient, grpcClient, statusOf } from '../gateway/proxy/http2/grpc-service.ts'
import { cleanUp } from '../gateway/support.ts'
import { rootCertificate } from './support/clients.ts'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, projectFolder, startGatehouse } from './support/gatehouse.ts'

const program = `${projectFolder}/test/e2e/programs/grpc-echo.js`
let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await cleanUp()
  const running = gatehouse
  gatehouse = undefined
  await running?.stop()
})

function configOf(port: number, name: string): string {
  return `
gateway:
  threads: 2
  listeners: { https: { address: "127.0.0.1:${port}", tls: true } }
  routes:
    - { path: /test.Echo/*, to: app }
certificates: [{ domains: [localhost], use: [{ internal: {} }] }]
processes:
  app:
    command: [node, ${program}]
    port: auto
    protocol: h2c
    ready: { grpc: { service: test.Echo }, every: 20ms }
    environment: { set: { NAME: ${name} } }
    restart: { style: rolling, drain: 10s }
storage: ./storage
control: { socket: ./control.sock }
`
}

async function client(running: Gatehouse): Promise<EchoClient> {
  const { port } = new URL(await running.url('https'))
  return grpcClient(Number(port), {}, { ca: rootCertificate(`${running.folder}/storage`), host: 'localhost' })
}

it('a process that speaks h2c is replaced under calls and streams, of which none fails', async () => {
  const [port = 0] = await freePorts(1)
  const running = startGatehouse({ config: configOf(port, 'v0') })
  gatehouse = running
  await running.ready()
  const clients = await Promise.all([client(running), client(running), client(running)])
  // It lasts longer than the process that serves it is current, and ends well within the drain.
  const stream = clients[0].talk(new Metadata(), {})
  const ended = statusOf(stream)
  const echoed = (word: string) =>
    new Promise<string>((resolve) => {
      stream.once('data', (message: Buffer) => resolve(message.toString()))
      stream.write(Buffer.from(word))
    })
  expect(await echoed('before')).toBe('before')
  let over = false
  const names = new Set<unknown>()
  const failures: string[] = []
  let calls = 0
  const load = clients.map(async (one) => {
    while (!over) {
      const { code, details, metadata } = await askUnary(one, 'x')
      calls += 1
      if (code === status.OK) names.add(metadata.get('server-name')[0])
      else failures.push(`${code}: ${details}`)
    }
  })
  for (const name of ['v1', 'v2']) {
    writeFileSync(running.file, configOf(port, name))
    running.signal('SIGHUP')
    await expect.poll(() => names.has(name), { timeout: 20_000 }).toBe(true)
    if (name === 'v1') {
      expect(await echoed('during')).toBe('during')
      stream.end()
      expect((await ended).code).toBe(status.OK)
    }
  }
  over = true
  await Promise.all(load)
  expect(failures).toEqual([])
  expect([...names]).toEqual(['v0', 'v1', 'v2'])
  expect(calls).toBeGreaterThan(10)
})

it('an upstream whose gRPC health is no more SERVING gets no calls', async () => {
  const [port = 0, behind = 0] = await freePorts(2)
  const running = startGatehouse({
    config: `
gateway:
  threads: 2
  listeners: { https: { address: "127.0.0.1:${port}", tls: true } }
  routes: [{ to: checked }]
certificates: [{ domains: [localhost], use: [{ internal: {} }] }]
processes:
  app: { command: [node, ${program}], port: ${behind}, ready: { grpc: ${behind}, every: 20ms } }
upstreams:
  checked: { targets: ["h2c://127.0.0.1:${behind}"], health: { grpc: true, every: 50ms } }
storage: ./storage
control: { socket: ./control.sock }
`,
  })
  gatehouse = running
  await running.ready()
  const one = await client(running)
  await expect.poll(async () => (await askUnary(one, 'x')).code).toBe(status.OK)
  // It may have been down before the process was ready.
  const after = running.lines.length
  process.kill(running.pidOf('app'), 'SIGUSR1')
  const { message } = await running.waitFor({ health: 'down' }, { after })
  expect(message).toBe(`upstream checked: h2c://127.0.0.1:${behind} is down: gRPC health: answered NOT_SERVING`)
  await expect.poll(async () => (await askUnary(one, 'x')).code).toBe(status.UNAVAILABLE)
})
