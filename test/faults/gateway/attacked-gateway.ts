/**
 * A Gatehouse of its own with two gateway threads, whose memory can be watched, and a bystander that asks it something
 * every 100 ms while somebody else misbehaves. It is the built binary: the sources, which Node strips of their types by
 * a program in WebAssembly, take 70 MB more, and this program is compiled anew in the background at any time.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect as connectTcp, type Socket } from 'node:net'
import { setInterval } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { type Client, h1Client, h2Client, rootCertificate } from '../../e2e/support/clients.ts'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { type Gatehouse, startGatehouse } from '../../e2e/support/gatehouse.ts'
import { listening, type Upstream } from '../../gateway/upstreams.ts'
import { starvationOf } from './starvation.ts'

export interface Attacked {
  readonly gatehouse: Gatehouse
  readonly upstream: Upstream
  readonly ports: { readonly http: number; readonly https: number }
  readonly ca: string
  /** Megabytes of resident memory, of all threads together. */
  memory(): number
  dialTls(protocol?: 'h2' | 'http/1.1'): Promise<Socket>
  dial(): Promise<Socket>
  stop(): Promise<void>
}

/** `/big` is 1 MB, `/page` 200 KB, `/silent` is never answered, everything else says `ok` once the request's
 * body is read. `more`: further lines of the gateway's config. */
export async function startAttacked(more = ''): Promise<Attacked> {
  const big = Buffer.alloc(1_000_000)
  const page = Buffer.alloc(200_000)
  const upstream = await listening(
    createServer((request, response) => {
      response.on('error', () => {})
      if (request.url === '/big') response.end(big)
      else if (request.url === '/page') response.end(page)
      else if (request.url !== '/silent') request.resume().on('end', () => response.end('ok'))
    }),
  )
  const [http = 0, https = 0] = await freePorts(2)
  const gatehouse = startGatehouse({
    config: `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:${http}" }, https: { address: "127.0.0.1:${https}", tls: true } }
  routes: [{ path: /*, to: "http://127.0.0.1:${upstream.port}" }]${more}
certificates: [{ domains: [localhost, 127.0.0.1], use: [{ internal: {} }] }]
storage: ./storage
control: { socket: ./control.sock }
`,
  })
  await gatehouse.ready()
  const ca = rootCertificate(`${gatehouse.folder}/storage`)
  await warmUp(http, https, ca)
  const open = (socket: Socket, event: string) =>
    new Promise<Socket>((resolve, reject) => {
      socket.once(event, () => resolve(socket))
      socket.once('error', reject)
      socket.on('error', () => {})
    })
  return {
    gatehouse,
    upstream,
    ports: { http, https },
    ca,
    memory: () => memoryOf(gatehouse.pid),
    dial: () => open(connectTcp({ host: '127.0.0.1', port: http }), 'connect'),
    dialTls: (protocol = 'h2') =>
      open(
        connectTls({ host: '127.0.0.1', port: https, servername: 'localhost', ca, ALPNProtocols: [protocol] }),
        'secureConnect',
      ),
    stop: async () => void (await gatehouse.stop()),
  }
}

function memoryOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1024
}

export interface Observations {
  /** Megabytes above what there was before, a second after the attack. */
  readonly growth: number
  /** At the worst moment of it. */
  readonly peak: number
  readonly probes: number
  /** Milliseconds, without those in which the machine ran other programs instead of the gateway or of this one. */
  readonly slowest: number
  readonly failures: readonly string[]
}

/** Lets the attack happen, probing over h1 and over one h2 connection all the while, and for a second after it. */
export async function during(attacked: Attacked, attack: () => Promise<void>): Promise<Observations> {
  const clients = [
    h1Client(`http://127.0.0.1:${attacked.ports.http}`),
    h2Client(`https://127.0.0.1:${attacked.ports.https}`, attacked.ca),
  ]
  const idle = attacked.memory()
  let peak = idle
  let slowest = 0
  let probes = 0
  let over = false
  const failures: string[] = []
  const asked: Promise<void>[] = []
  const probe = async (client: Client) => {
    const begun = performance.now()
    const starved = [attacked.gatehouse.pid, process.pid].map(starvationOf)
    try {
      const { status } = await client.get('/probe')
      if (status !== 200) failures.push(`${client.protocol}: ${status}`)
    } catch (error) {
      failures.push(`${client.protocol}: ${error}`)
    }
    probes += 1
    const elsewhere = starved.reduce((sum, waited) => sum + waited(), 0)
    slowest = Math.max(slowest, performance.now() - begun - elsewhere)
  }
  const watch = async () => {
    let after = 0
    for await (const _ of setInterval(100)) {
      peak = Math.max(peak, attacked.memory())
      asked.push(...clients.map(probe))
      if (over && ++after === 10) break
    }
    await Promise.all(asked)
  }
  const watching = watch()
  await attack().finally(() => {
    over = true
  })
  await watching
  for (const client of clients) client.close()
  return { growth: attacked.memory() - idle, peak: peak - idle, probes, slowest, failures }
}

/**
 * What is loaded and compiled with the first requests is no growth, nor that the heap of a thread which has work takes
 * its usual size: 1,000 requests over each of several connections, which the kernel spreads over the threads.
 */
async function warmUp(http: number, https: number, ca: string): Promise<void> {
  const sessions = Array.from({ length: 4 }, () => h2Client(`https://127.0.0.1:${https}`, ca))
  const clients = [h1Client(`http://127.0.0.1:${http}`), ...sessions]
  await Promise.all(
    clients.map(async (client) => {
      for (let i = 0; i < 50; i++) await Promise.all(Array.from({ length: 20 }, () => client.get('/warm')))
      client.close()
    }),
  )
}
