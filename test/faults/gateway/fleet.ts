/** Three replicas with one Redis, each a whole Gatehouse with two gateway threads, before a web server that counts. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { readStatus } from '../../../src/control/client/client.ts'
import { type Client, h1Client, h2Client, openWebSocket, rootCertificate } from '../../e2e/support/clients.ts'
import { type Gatehouse, startGatehouse } from '../../e2e/support/gatehouse.ts'
import { type Redis, startRedis } from '../../e2e/support/redis.ts'

export const password = 'hunter2'

export interface Replica {
  readonly gatehouse: Gatehouse
  readonly http: string
  readonly h1: Client
  readonly h2: Client
  /** The status of the answer to an upgrade; 101 if a WebSocket was opened. */
  upgrade(path: string): Promise<number>
  /** Whether Redis counts for it, as its metrics tell. */
  shares(): Promise<boolean>
  /** Of its status. */
  warnings(): Promise<readonly string[]>
}

export interface Fleet {
  readonly redis: Redis
  readonly replicas: readonly Replica[]
  /** Waits until all replicas share their limits, or none does. */
  becomes(sharing: boolean): Promise<void>
  stop(): Promise<void>
}

/** `limits`: path → its limit, as YAML. */
export async function startFleet(limits: Readonly<Record<string, string>>): Promise<Fleet> {
  const redis = await startRedis({ password })
  const upstream = createServer((_request, response) => response.end('ok'))
  const sockets = new WebSocketServer({ server: upstream })
  sockets.on('connection', (socket) => socket.on('error', () => {}))
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  const { port } = upstream.address() as AddressInfo
  const routes = Object.entries(limits).map(
    ([path, limit]) => `    - { path: ${path}, rateLimit: ${limit}, to: "http://127.0.0.1:${port}" }`,
  )
  const config = `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:0" }, https: { address: "127.0.0.1:0", tls: true } }
  rateLimitStore: { redis: "redis://:\${PASSWORD}@127.0.0.1:${redis.port}" }
  accessLog: false
  routes:
${routes.join('\n')}
certificates: [{ domains: [localhost, 127.0.0.1], use: [{ internal: {} }] }]
storage: ./storage
control: { socket: ./control.sock }
metrics: { address: "127.0.0.1:0" }
`
  const env = { PASSWORD: password }
  const gatehouses = [1, 2, 3].map(() => startGatehouse({ config, env }))
  const end = async () => {
    await Promise.all(gatehouses.map((gatehouse) => gatehouse.stop()))
    sockets.close()
    upstream.closeAllConnections()
    upstream.close()
    await redis.stop()
  }
  try {
    const replicas = await Promise.all(gatehouses.map(replicaOf))
    await allBecome(replicas, true)
    return {
      redis,
      replicas,
      becomes: (sharing) => allBecome(replicas, sharing),
      async stop() {
        for (const { h1, h2 } of replicas) for (const client of [h1, h2]) client.close()
        await end()
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}

async function allBecome(replicas: readonly Replica[], sharing: boolean): Promise<void> {
  const until = performance.now() + 20_000
  for (const replica of replicas)
    while ((await replica.shares()) !== sharing)
      if (performance.now() > until) throw new Error(`a replica ${sharing ? 'counts alone' : 'still asks Redis'}`)
}

async function replicaOf(gatehouse: Gatehouse): Promise<Replica> {
  await gatehouse.ready()
  const http = await gatehouse.url('http')
  const https = await gatehouse.url('https')
  const { url } = await gatehouse.waitFor({ message: 'metrics' })
  return {
    gatehouse,
    http,
    h1: h1Client(http),
    h2: h2Client(https, rootCertificate(`${gatehouse.folder}/storage`)),
    async upgrade(path) {
      try {
        const socket = await openWebSocket(http, path)
        socket.terminate()
        return 101
      } catch (error) {
        return Number(/Unexpected server response: (\d+)/.exec(String(error))?.[1])
      }
    },
    async shares() {
      const page = await (await fetch(String(url))).text()
      return page.includes('\ngatehouse_rate_limit_store_up 1\n')
    },
    warnings: async () => (await readStatus(`${gatehouse.folder}/control.sock`)).warnings,
  }
}
