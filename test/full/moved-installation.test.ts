/**
 * What the real certbot and the real Caddy left in their storage, after getting it from a real ACME server, serves at once in
 * Gatehouse, and is replaced by a certificate of our own long before it expires: no handshake fails in between.
 */
import { execFile, spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { type Pebble, startPebble } from '../certificates/pebble.ts'
import { acceptedCertificate } from '../e2e/support/accepted-certificate.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { source as fromSource, startGatehouse } from '../e2e/support/gatehouse.ts'
import { part } from '../parts.ts'

const name = 'app.example.test'
/** Of all certificates here, in seconds: due after some 38, which a slow program and a start fit in well. */
const lifetime = 60

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Scene {
  readonly pebble: Pebble
  readonly http: number
  readonly https: number
  /** For the program that was there before. */
  readonly folder: string
}

async function scene(): Promise<Scene> {
  const [http = 0, https = 0] = await freePorts(2)
  const pebble = await startPebble({ httpPort: http, tlsPort: https, validity: lifetime })
  ends.push(() => pebble.stop())
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-moved-'))
  ends.push(async () => rmSync(folder, { recursive: true, force: true }))
  return { pebble, http, https, folder }
}

/** A program whose place we take: leaves a certificate in its storage and ends. */
interface Predecessor {
  readonly program: 'certbot' | 'caddy'
  obtain(scene: Scene): Promise<{ readonly source: string; readonly certificate: string }>
}

const certbot: Predecessor = {
  program: 'certbot',
  async obtain({ pebble, http, folder }) {
    const folders = ['config', 'work', 'logs'].flatMap((kind) => [`--${kind}-dir`, join(folder, kind)])
    const words = ['certonly', '--non-interactive', '--standalone', '--http-01-port', `${http}`, '-d', name, ...folders]
    const account = ['--server', pebble.directory, '--agree-tos', '--register-unsafely-without-email']
    const env = { PATH: process.env.PATH, HOME: folder, REQUESTS_CA_BUNDLE: pebble.trust }
    await promisify(execFile)(part('certbot') ?? '', [...words, ...account], { env, timeout: 60_000 })
    const live = join(folder, 'config/live', name)
    return { source: `certbot: { live: ${live} }`, certificate: join(live, 'fullchain.pem') }
  },
}

const caddy: Predecessor = {
  program: 'caddy',
  async obtain({ pebble, http, https, folder }) {
    const caddyfile = `{
  admin off
  storage file_system ${folder}
  acme_ca ${pebble.directory}
  acme_ca_root ${pebble.trust}
  http_port ${http}
  https_port ${https}
}
${name} {
  respond "hello"
}
`
    const env = { PATH: process.env.PATH, HOME: folder }
    const words = ['run', '--adapter', 'caddyfile', '--config', '-']
    const child = spawn(part('caddy') ?? '', words, { env, stdio: ['pipe', 'ignore', 'pipe'] })
    const ended = once(child, 'close')
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk
    })
    child.stdin.end(caddyfile)
    try {
      // The last of the three files of a certificate that it writes.
      const written = () => globSync(join(folder, 'certificates', '*', name, `${name}.json`)).length > 0
      const deadline = performance.now() + 30_000
      while (!written()) {
        if (child.exitCode !== null || performance.now() > deadline)
          throw new Error(`Caddy got no certificate:\n${said}`)
        await pause(50)
      }
    } finally {
      child.kill('SIGTERM')
      await ended
    }
    const [certificate = ''] = globSync(join(folder, 'certificates', '*', name, `${name}.crt`))
    return { source: `caddy: { storage: ${folder} }`, certificate }
  },
}

describe.skipIf(!part('pebble')).each([certbot, caddy])('an installation that $program served', (predecessor) => {
  it.skipIf(!part(predecessor.program))(
    'goes on with its certificate, and is renewed in ours in time',
    async () => {
      const site = await scene()
      const { pebble, http, https } = site
      const { source, certificate } = await predecessor.obtain(site)
      const left = new X509Certificate(readFileSync(certificate))
      const [ca = ''] = await pebble.roots()
      const gatehouse = startGatehouse({
        command: fromSource,
        config: `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:${http}" }, https: { address: "127.0.0.1:${https}", tls: true } }
  routes: [{ redirect: { to: "https://{host}{uri}" } }]
certificates:
  - { domains: [${name}], use: [{ ${source} }, { acme: { directory: "${pebble.directory}", trust: ${pebble.trust} } }] }
storage: ./storage
control: { socket: ./control.sock }
`,
      })
      ends.push(() => gatehouse.stop())
      await gatehouse.ready()
      const serials: string[] = []
      const expired = left.validToDate.getTime() + 3_000
      while (Date.now() < expired) {
        serials.push((await acceptedCertificate(https, ca, name)).serialNumber)
        await pause(100)
      }
      expect(serials[0]).toBe(left.serialNumber)
      const ours = serials.findIndex((serial) => serial !== left.serialNumber)
      const taken = gatehouse.lines.find(({ message }) =>
        message?.startsWith(`the certificate for ${name} is now from`),
      )
      expect(taken?.message).toMatch(/from acme, by Pebble/)
      // A third of its life was left, not the last moment.
      expect(serials.length - ours).toBeGreaterThan(50)
      expect(serials.at(-1)).not.toBe(left.serialNumber)
      expect(gatehouse.lines.filter(({ level }) => level === 'error')).toEqual([])
      expect(readFileSync(certificate, 'utf8')).toContain(left.toString())
    },
    150_000,
  )
})
