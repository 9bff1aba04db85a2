/** Several Gatehouses on one volume, before a real ACME server; names are proved in the DNS, which all of them can write to. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { type Pebble, type PebbleOptions, startPebble } from '../../certificates/pebble.ts'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { type Gatehouse, startGatehouse } from '../../e2e/support/gatehouse.ts'
import { refusingPort } from '../../support/refusing-port.ts'
import { startTroubledCa, type TroubledCa } from './troubled-ca.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

export const name = 'app.example.test'

export interface Replica extends Gatehouse {
  readonly https: number
}

export interface ReplicaSite {
  readonly pebble: Pebble
  readonly ca: TroubledCa
  readonly storage: string
  /** How many orders it got. */
  orders(): number
  start(): Promise<Replica>
}

/** `gateway`: more of it, as YAML. */
export async function replicaSite(options: Partial<PebbleOptions> = {}, gateway = ''): Promise<ReplicaSite> {
  const unused = await refusingPort()
  const pebble = await startPebble({ httpPort: unused, tlsPort: unused, ...options })
  ends.push(() => pebble.stop())
  const ca = await startTroubledCa(pebble)
  ends.push(() => ca.close())
  const storage = mkdtempSync(join(tmpdir(), 'gatehouse-replicas-'))
  ends.push(() => rmSync(storage, { recursive: true }))
  return {
    pebble,
    ca,
    storage,
    orders: () => ca.requests.filter((one) => one === 'POST /order-plz').length,
    async start() {
      const [https = 0] = await freePorts(1)
      const gatehouse = startGatehouse({
        files: { 'dns-hook.mjs': dnsHook(pebble.dns.management) },
        config: `
gateway:
  threads: 2
  listeners: { https: { address: "127.0.0.1:${https}", tls: true } }
  ${gateway}
  routes: [{ redirect: { to: "https://elsewhere.test" } }]
certificates:
  - domains: [${name}]
    use: [{ acme: { directory: "${ca.directory}", trust: ${ca.trust}, dns: { run: [node, ./dns-hook.mjs] } } }]
storage: ${storage}
control: { socket: ./control.sock }
`,
      })
      ends.push(() => gatehouse.stop().catch(() => {}))
      return Object.assign(gatehouse, { https })
    },
  }
}

function dnsHook(management: string): string {
  return `
const [, , verb, host, value] = process.argv
const body = JSON.stringify({ host: host + '.', ...(verb === 'set' && { value }) })
const { ok } = await fetch('${management}/' + verb + '-txt', { method: 'POST', body })
if (!ok) throw new Error('the DNS refused')
`
}
