/** Behind a load balancer the ACME server's look lands on any replica, not only on the one that ordered. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { startPebble } from '../../certificates/pebble.ts'
import { acceptedCertificate } from '../../e2e/support/accepted-certificate.ts'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { type Gatehouse, startGatehouse } from '../../e2e/support/gatehouse.ts'
import { part } from '../../parts.ts'
import { refusingPort } from '../../support/refusing-port.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const name = 'app.example.test'

interface Replica {
  readonly storage: string
  readonly http: number
  readonly https: number
  /** Of the ACME server. */
  readonly directory: string
  readonly trust: string
}

function start({ storage, http, https, directory, trust }: Replica): Gatehouse {
  const gatehouse = startGatehouse({
    config: `
gateway:
  listeners:
    http: { address: "127.0.0.1:${http}" }
    https: { address: "127.0.0.1:${https}", tls: true }
  routes: [{ redirect: { to: "https://elsewhere.test" } }]
certificates:
  - domains: [${name}]
    use: [{ acme: { directory: "${directory}", trust: ${trust}, challenges: [http-01] } }]
storage: ${storage}
control: { socket: ./control.sock }
`,
  })
  ends.push(() => gatehouse.stop().catch(() => {}))
  return gatehouse
}

it.skipIf(!part('pebble'))(
  'a name is proved by the replica that is asked, while another one orders',
  async () => {
    const [asked = 0, unasked = 0, tls = 0, otherTls = 0] = await freePorts(4)
    const dead = await refusingPort()
    const pebble = await startPebble({ httpPort: asked, tlsPort: dead })
    ends.push(() => pebble.stop())
    const storage = mkdtempSync(join(tmpdir(), 'gatehouse-balanced-'))
    ends.push(() => rmSync(storage, { recursive: true }))
    const { directory, trust } = pebble
    // It can order nothing itself: nothing listens at its directory.
    const nowhere = `https://127.0.0.1:${dead}/dir`
    await start({ storage, http: asked, https: otherTls, directory: nowhere, trust }).url('http')
    const ordering = start({ storage, http: unasked, https: tls, directory, trust })
    await ordering.waitFor({ message: /^obtained a certificate for app\.example\.test from / })
    const served = await acceptedCertificate(tls, await pebble.roots(), name)
    expect(served.subjectAltName).toContain(name)
    await expect.poll(() => readdirSync(join(storage, 'acme-challenges'))).toEqual([])
  },
  60_000,
)
