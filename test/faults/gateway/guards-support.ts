/** Gatehouse from its sources with two gateway threads, plain and TLS, in front of one upstream, with its metrics. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { type Gatehouse, startGatehouse } from '../../e2e/support/gatehouse.ts'

export interface Guarded {
  readonly gatehouse: Gatehouse
  readonly http: number
  readonly https: number
  /** Connections that the upstream has accepted. */
  dialled(): number
  /** The sum of the values on the metrics page that stand behind this name, with this label if one is given. */
  metric(name: string, label?: string): Promise<number>
  stop(): Promise<void>
}

export async function startGuarded(guards: string, answer: RequestListener): Promise<Guarded> {
  const upstream = createServer(answer)
  let dialled = 0
  upstream.on('connection', () => {
    dialled += 1
  })
  await once(upstream.listen(0, '127.0.0.1'), 'listening')
  const { port } = upstream.address() as AddressInfo
  const [http = 0, https = 0] = await freePorts(2)
  const gatehouse = startGatehouse({
    config: `
gateway:
  threads: 2
  listeners:
    http: { address: "127.0.0.1:${http}" }
    https: { address: "127.0.0.1:${https}", tls: true }
  ${guards}
  routes: [{ path: /*, to: "http://127.0.0.1:${port}" }]
certificates: [{ domains: [localhost], use: [{ internal: {} }] }]
storage: ./storage
control: { socket: ./control.sock }
metrics: { address: 127.0.0.1:0 }
log: { format: json }
`,
  })
  await gatehouse.ready()
  const { url } = await gatehouse.waitFor({ message: 'metrics' })
  return {
    gatehouse,
    http,
    https,
    dialled: () => dialled,
    async metric(name, label = '') {
      const page = await (await fetch(String(url))).text()
      const lines = page.split('\n').filter((line) => line.startsWith(name) && line.includes(label))
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    },
    async stop() {
      await gatehouse.stop()
      upstream.closeAllConnections()
      upstream.close()
    },
  }
}
