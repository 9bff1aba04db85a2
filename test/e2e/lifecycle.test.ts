/** The life of a container: processes start as they become ready, come back when they die, and end in reverse order. */
import { afterEach, describe, expect, it } from 'vitest'
import { exchangeMessage, h1Client, h2Client, openWebSocket, rootCertificate } from './support/clients.ts'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, projectFolder, startGatehouse } from './support/gatehouse.ts'
import { isRunning } from './support/processes.ts'

const programs = `${projectFolder}/test/e2e/programs`
const fixtures = `${projectFolder}/test/fixtures/programs`
let running: Gatehouse[] = []

function start(config: string): Gatehouse {
  const gatehouse = startGatehouse({ config: `${config}\nstorage: ./storage\ncontrol: { socket: ./control.sock }\n` })
  running.push(gatehouse)
  return gatehouse
}

afterEach(async () => {
  const started = running
  running = []
  for (const gatehouse of started) await gatehouse.stop()
})

/** The positions in the log of the first lines with these messages from these processes. */
function order(gatehouse: Gatehouse, ...wanted: readonly (readonly [process: string, message: RegExp])[]): number[] {
  return wanted.map(([process, message]) =>
    gatehouse.lines.findIndex((line) => line.process === process && message.test(line.message)),
  )
}

describe('the life of processes', () => {
  it('starts each process when what it depends on is ready, not merely started', async () => {
    const [db, api] = await freePorts(2)
    const gatehouse = start(`
processes:
  api:
    command: [node, ${programs}/upstream.js]
    port: ${api}
    dependsOn: { db: ready, migrate: completed }
    ready: { http: /health, every: 20ms }
    environment: { set: { NAME: api } }
  migrate:
    kind: task
    command: [node, -e, "console.log('migrated')"]
    dependsOn: { db: ready }
  db:
    command: [node, ${programs}/upstream.js]
    port: ${db}
    ready: { http: /health, every: 20ms }
    environment: { set: { NAME: db, READY_AFTER: "400" } }
`)
    await gatehouse.ready()
    const dbReady = gatehouse.lines.findIndex((line) => line.process === 'db' && line.ready === true)
    const [dbListens = -1, migrated = -1, apiListens = -1] = order(
      gatehouse,
      ['db', /^db listens/],
      ['migrate', /^migrated/],
      ['api', /^api listens/],
    )
    expect(dbListens).toBeGreaterThan(-1)
    expect(dbReady).toBeGreaterThan(dbListens)
    expect(migrated).toBeGreaterThan(dbReady)
    expect(apiListens).toBeGreaterThan(migrated)
  })

  it('brings back a process that was killed, served again over h1, TLS h1, h2 and WebSocket', async () => {
    const [api] = await freePorts(1)
    const gatehouse = start(`
gateway:
  listeners: { http: { address: "127.0.0.1:0" }, https: { address: "127.0.0.1:0", tls: true } }
  routes: [{ path: /*, to: api }]
certificates: [{ domains: [localhost, 127.0.0.1], use: [{ internal: {} }] }]
processes:
  api: { command: [node, ${programs}/upstream.js], port: ${api}, ready: { http: /health, every: 20ms } }
`)
    await gatehouse.ready()
    const ca = rootCertificate(`${gatehouse.folder}/storage`)
    const [http, https] = [await gatehouse.url('http'), await gatehouse.url('https')]
    const clients = [h1Client(http), h1Client(https, ca), h2Client(https, ca)]
    const pids = async () =>
      (await Promise.all(clients.map((client) => client.get('/pid')))).map(({ body }) => Number(body))
    const socket = await openWebSocket(https, '/socket', ca)
    const socketClosed = new Promise((resolve) => socket.once('close', resolve))
    const first = gatehouse.pidOf('api')
    expect(await pids()).toEqual([first, first, first])

    const after = gatehouse.lines.length
    process.kill(first, 'SIGKILL')
    await socketClosed
    await gatehouse.waitFor({ process: 'api', ready: true }, { after })
    // The log and the gateway's thread get the event at the same moment; either may be first.
    await expect.poll(async () => (await fetch(`${http}/pid`)).status).toBe(200)
    const second = gatehouse.pidOf('api')
    expect(second).not.toBe(first)
    expect([isRunning(first), isRunning(second)]).toEqual([false, true])
    expect(await pids()).toEqual([second, second, second])
    for (const base of [http, https]) {
      const again = await openWebSocket(base, '/socket', ca)
      expect(await exchangeMessage(again, 'hello')).toBe('hello')
      again.close()
    }
    for (const client of clients) client.close()
  })

  it('stops in reverse order on SIGTERM, closes WebSockets, exits 0 and leaves nothing', async () => {
    const [db, api] = await freePorts(2)
    const gatehouse = start(`
gateway:
  listeners: { http: { address: "127.0.0.1:0" }, https: { address: "127.0.0.1:0", tls: true } }
  routes: [{ path: /*, to: api }]
certificates: [{ domains: [localhost, 127.0.0.1], use: [{ internal: {} }] }]
processes:
  db:
    command: [node, ${programs}/upstream.js]
    port: ${db}
    ready: { tcp: ${db}, every: 20ms }
    environment: { set: { NAME: db } }
  api:
    command: [node, ${programs}/upstream.js]
    port: ${api}
    dependsOn: { db: ready }
    ready: { http: /health, every: 20ms }
    environment: { set: { NAME: api } }
`)
    await gatehouse.ready()
    const ca = rootCertificate(`${gatehouse.folder}/storage`)
    const sockets = [
      await openWebSocket(await gatehouse.url('http'), '/socket'),
      await openWebSocket(await gatehouse.url('https'), '/socket', ca),
    ]
    for (const socket of sockets) expect(await exchangeMessage(socket, 'hello')).toBe('hello')
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
    const groups = [gatehouse.pidOf('db'), gatehouse.pidOf('api')]

    gatehouse.signal('SIGTERM')
    expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
    await Promise.all(closed)
    const [apiAsked = -1, dbAsked = -1] = order(gatehouse, ['api', /^api was asked/], ['db', /^db was asked/])
    expect(apiAsked).toBeGreaterThan(-1)
    expect(dbAsked).toBeGreaterThan(apiAsked)
    expect(groups.map(isRunning)).toEqual([false, false])
    expect(gatehouse.survivors()).toEqual([])
  })

  it('leaves nothing of a process that ignores SIGTERM and has a grandchild', async () => {
    const gatehouse = start(`
processes:
  stubborn:
    command: [node, ${fixtures}/ignores-sigterm.js, --grandchild]
    ready: { log: "ready" }
    stop: { grace: 300ms }
`)
    await gatehouse.ready()
    const family = gatehouse.survivors().filter(({ pid }) => pid !== gatehouse.pid)
    expect(family.length).toBeGreaterThanOrEqual(2)
    gatehouse.signal('SIGTERM')
    expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
    expect(gatehouse.survivors()).toEqual([])
  })

  it('ends with the exit code of an essential process that fails for good', async () => {
    const gatehouse = start(`
processes:
  other: { command: [node, -e, "setInterval(() => {}, 1000)"] }
  core:
    command: [node, -e, "console.error('out of luck'); process.exit(7)"]
    dependsOn: { other: started }
    essential: true
    restart: { backoff: { next: 10ms }, giveUp: { failures: 3, within: 60s } }
`)
    expect(await gatehouse.exit).toEqual({ code: 7, signal: null })
    expect(gatehouse.lines.filter((line) => line.message === 'out of luck')).toHaveLength(3)
    expect(gatehouse.survivors()).toEqual([])
  })

  it('prefixes the lines of children with their names', async () => {
    const gatehouse = start(`
processes:
  talker: { kind: task, command: [node, -e, "console.log('to stdout'); console.error('to stderr')"] }
`)
    await gatehouse.ready()
    expect(await gatehouse.waitFor({ process: 'talker', stream: 'stdout', message: 'to stdout' })).toBeDefined()
    expect(await gatehouse.waitFor({ process: 'talker', stream: 'stderr', message: 'to stderr' })).toBeDefined()
  })
})
