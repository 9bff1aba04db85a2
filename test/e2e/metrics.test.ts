import { once } from 'node:events'
import { createServer, get, request } from 'node:http'
import { connect } from 'node:http2'
import { afterEach, describe, expect, it } from 'vitest'
import { refusingPort } from '../support/refusing-port.ts'
import { h1Client, h2Client, openWebSocket, rootCertificate } from './support/clients.ts'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, projectFolder, startGatehouse } from './support/gatehouse.ts'

const upstream = `${projectFolder}/test/e2e/programs/upstream.js`
let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

async function start(): Promise<{ gatehouse: Gatehouse; http: string; https: string; metrics: string }> {
  const [http = 0, https = 0, api = 0] = await freePorts(3)
  const dead = await refusingPort()
  gatehouse = startGatehouse({
    config: `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:${http}" }, https: { address: "127.0.0.1:${https}", tls: true } }
  routes:
    - { path: /gone/*, to: "http://127.0.0.1:${dead}" }
    - { path: /api/*, to: api }
    - { path: /socket, to: api }
    - { path: /file, file: ./gatehouse.yaml }
certificates: [{ domains: [localhost, 127.0.0.1], use: [{ internal: {} }] }]
processes:
  api: { command: [node, ${upstream}], port: ${api}, ready: { http: /health, every: 20ms } }
storage: ./storage
control: { socket: ./control.sock }
metrics: { address: 127.0.0.1:0 }
`,
  })
  await gatehouse.ready()
  const { url } = await gatehouse.waitFor({ message: 'metrics' })
  return {
    gatehouse,
    http: await gatehouse.url('http'),
    https: await gatehouse.url('https'),
    metrics: String(url),
  }
}

type Numbers = Readonly<Record<string, number>>

async function scrape(url: string): Promise<Numbers> {
  const response = await fetch(url)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  )
}

/** An exchange is counted when it is over, which may be a moment after its client has the answer. */
function counted(url: string, name: string) {
  return expect.poll(async () => (await scrape(url))[name], { timeout: 10_000, interval: 20 })
}

const requests = 'gatehouse_http_requests_total'

describe('the metrics page', () => {
  it('counts every request of both threads over h1, TLS h1 and h2 by route, method and status', async () => {
    const { http, https, metrics, gatehouse } = await start()
    const ca = rootCertificate(`${gatehouse.folder}/storage`)
    const clients = Array.from({ length: 12 }, () => h1Client(http))
    clients.push(h1Client(https, ca), h2Client(https, ca))
    await Promise.all(clients.map((client) => client.get('/api/pid')))
    await Promise.all(clients.map((client) => client.get('/nowhere')))
    const route = 'route="/api/* → api"'
    await counted(metrics, `${requests}{${route},method="GET",status="200"}`).toBe(clients.length)
    await counted(metrics, `${requests}{route="(none)",method="GET",status="404"}`).toBe(clients.length)
    const numbers = await scrape(metrics)
    expect(numbers[`gatehouse_http_request_duration_seconds_count{${route}}`]).toBe(clients.length)
    expect(numbers[`gatehouse_http_request_duration_seconds_bucket{le="+Inf",${route}}`]).toBe(clients.length)
    const digits = String(gatehouse.pidOf('api')).length
    expect(numbers[`gatehouse_http_response_body_bytes_total{${route}}`]).toBe(clients.length * digits)
    for (const client of clients) client.close()
  })

  it('knows uploads, answers under way, open WebSockets, clients that left and upstreams that fail', async () => {
    const { http, metrics, gatehouse } = await start()
    const upload = request(`${http}/api/echo`, { method: 'POST' })
    upload.end(Buffer.alloc(100_000))
    const [echoed] = await once(upload, 'response')
    await once(echoed.resume(), 'end')
    await counted(metrics, 'gatehouse_http_request_body_bytes_total{route="/api/* → api"}').toBe(100_000)

    const slow = get(`${http}/api/slow?ms=60000`).on('error', () => {})
    await gatehouse.waitFor({ message: 'waiting 1' })
    await counted(metrics, 'gatehouse_http_open{kind="answer"}').toBe(1)
    slow.destroy()
    await counted(metrics, `${requests}{route="/api/* → api",method="GET",status="499"}`).toBe(1)
    await counted(metrics, 'gatehouse_http_open{kind="answer"}').toBe(0)

    const socket = await openWebSocket(http, '/socket')
    await counted(metrics, 'gatehouse_http_open{kind="websocket"}').toBe(1)
    socket.close()
    await counted(metrics, 'gatehouse_http_open{kind="websocket"}').toBe(0)
    await counted(metrics, `${requests}{route="/socket → api",method="GET",status="101"}`).toBe(1)

    expect((await fetch(`${http}/gone/`)).status).toBe(502)
    const failed = async () =>
      Object.keys(await scrape(metrics)).filter((name) => name.startsWith('gatehouse_upstream_errors'))
    await expect.poll(failed).toEqual([expect.stringMatching(/route="\/gone\/\* → .*",kind="failed"/)])
  })

  it('has a bounded number of series, whatever methods and paths clients think of', async () => {
    const { https, metrics, gatehouse } = await start()
    const session = connect(https, { ca: rootCertificate(`${gatehouse.folder}/storage`) })
    const ask = async (method: string, path: string) => {
      const stream = session.request({ ':method': method, ':path': path })
      await once(stream.resume(), 'close')
    }
    for (let index = 0; index < 50; index += 1) await ask(`METHOD-${index}`, `/api/${index}`)
    await counted(metrics, `${requests}{route="(none)",method="other",status="501"}`).toBe(50)
    // Other families may get a series meanwhile, for example by a transition of the process.
    const ofRequests = async () =>
      Object.keys(await scrape(metrics)).filter((name) => name.startsWith('gatehouse_http_'))
    const before = await ofRequests()
    for (let index = 50; index < 100; index += 1) await ask(`METHOD-${index}`, `/${index}`)
    await counted(metrics, `${requests}{route="(none)",method="other",status="501"}`).toBe(100)
    expect(before.length).toBeGreaterThan(10)
    expect(await ofRequests()).toEqual(before)
    session.close()
  })

  it('has the state of each process, and its restarts', async () => {
    const { metrics, gatehouse } = await start()
    await counted(metrics, 'gatehouse_process_state{process="api",state="running"}').toBe(1)
    await counted(metrics, 'gatehouse_process_ready{process="api"}').toBe(1)
    await counted(metrics, 'gatehouse_process_restarts_total{process="api"}').toBe(0)
    process.kill(gatehouse.pidOf('api'), 'SIGKILL')
    await counted(metrics, 'gatehouse_process_restarts_total{process="api"}').toBe(1)
    await counted(metrics, 'gatehouse_process_transitions_total{process="api",to="running"}').toBe(2)
    const numbers = await scrape(metrics)
    const states = Object.entries(numbers).filter(([name]) => name.startsWith('gatehouse_process_state'))
    expect(states.reduce((sum, [, value]) => sum + value, 0)).toBe(1)
    expect(numbers.gatehouse_gateway_threads).toBe(2)
    expect(numbers.process_resident_memory_bytes).toBeGreaterThan(50e6)
  })

  it('is at /metrics only, for GET and HEAD, and not served by the gateway', async () => {
    const { http, metrics } = await start()
    expect((await fetch(new URL('/', metrics))).status).toBe(404)
    expect((await fetch(metrics, { method: 'POST' })).status).toBe(405)
    expect((await fetch(metrics, { method: 'HEAD' })).status).toBe(200)
    expect((await fetch(`${http}/metrics`)).status).toBe(404)
  })
})

describe('a metrics address in use', () => {
  it('is reported with exit 3 before any child is started', async () => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    const { port } = blocker.address() as { port: number }
    gatehouse = startGatehouse({
      config: `
processes: { witness: { kind: task, command: [node, -e, "console.log('started')"] } }
storage: ./storage
control: { socket: ./control.sock }
metrics: { address: "127.0.0.1:${port}" }
`,
    })
    expect(await gatehouse.exit).toEqual({ code: 3, signal: null })
    expect(gatehouse.lines.at(-1)?.message).toMatch(
      new RegExp(`^listener metrics cannot listen on 127.0.0.1:${port}: .+ \\(pid ${process.pid}\\)`),
    )
    expect(gatehouse.lines.filter(({ process }) => process === 'witness')).toEqual([])
    blocker.close()
  })
})
