/** The verbs for certificates, with the whole program and a real ACME server with a real DNS server. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Pebble, startPebble } from '../certificates/pebble.ts'
import { gatehouse as verb } from '../cli/gatehouse-command.ts'
import { part } from '../parts.ts'
import { refusingPort } from '../support/refusing-port.ts'
import { acceptedCertificate } from './support/accepted-certificate.ts'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, startGatehouse } from './support/gatehouse.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Site {
  readonly pebble: Pebble
  readonly gatehouse: Gatehouse
  readonly http: number
  readonly https: number
  readonly metrics: number
}

async function site({ away = false, storage = './storage' } = {}): Promise<Site> {
  const [http = 0, https = 0, metrics = 0] = await freePorts(3)
  const pebble = await startPebble({ httpPort: http, tlsPort: https })
  ends.push(() => pebble.stop())
  const directory = away ? `https://127.0.0.1:${await refusingPort()}/dir` : pebble.directory
  const gatehouse = startGatehouse({
    config: `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:${http}" }, https: { address: "127.0.0.1:${https}", tls: true } }
  routes: [{ redirect: { to: "https://{host}{uri}" } }]
certificates:
  - { domains: [app.example.test], use: [{ acme: { directory: "${directory}", trust: ${pebble.trust} } }] }
metrics: { address: "127.0.0.1:${metrics}" }
storage: ${storage}
control: { socket: ./control.sock }
`,
  })
  ends.push(() => gatehouse.stop())
  return { pebble, gatehouse, http, https, metrics }
}

describe.skipIf(!part('pebble'))('with an ACME server', () => {
  it('lists, renews and revokes, examines, and counts', async () => {
    const { pebble, gatehouse, http, https, metrics } = await site()
    await gatehouse.waitFor({ message: /^the certificate for app.example.test is now from acme, issued by Pebble/ })
    const roots = await pebble.roots()
    await expect.poll(() => acceptedCertificate(https, roots).catch(() => undefined)).toBeDefined()
    const before = await acceptedCertificate(https, roots)

    const list = await verb('certs', 'list', gatehouse.file)
    expect(list.out).toMatch(/^NAME +ISSUER +NOT AFTER +NEXT RENEWAL +LAST ERROR\n/)
    expect(list.out).toMatch(/\napp\.example\.test +Pebble \S+ CA \w+ \(acme\) .+ renewal in \d+d.* -\n$/)
    const reported = JSON.parse((await verb('certs', 'list', '--json', gatehouse.file)).out)
    expect(reported).toMatchObject([
      { names: ['app.example.test'], source: 'acme', fallback: false, renewal: { failures: 0, underWay: false } },
    ])

    const renewed = await verb('certs', 'renew', 'APP.example.test', gatehouse.file, '--revoke')
    expect(renewed).toMatchObject({ code: 0, err: expect.stringContaining('this may take minutes') })
    expect(renewed.out).toMatch(/^app\.example\.test: renewed by Pebble .+, valid until \d{4}-.+Z\n$/)
    // The threads get it a moment later.
    await expect.poll(async () => (await acceptedCertificate(https, roots)).serialNumber).not.toBe(before.serialNumber)
    expect(pebble.lines.some((line) => line.includes('/revoke-cert'))).toBe(true)

    const unknown = await verb('certs', 'renew', 'other.example.test', gatehouse.file)
    expect(unknown.code).toBe(2)
    expect(unknown.err).toContain('no certificate for other.example.test; configured names: app.example.test')

    const doctor = ['certs', 'doctor', 'app.example.test', gatehouse.file, '--resolver', pebble.dns.address]
    const well = await verb(...doctor, '--ports', `${http},${https}`)
    expect(well.out).toContain(
      `✓ port ${https} of app.example.test (127.0.0.1) is this gatehouse: it shows our certificate`,
    )
    expect(well.out).toContain('✓ app.example.test points here: 127.0.0.1')
    expect(well.out).toContain('✓ the running gatehouse reports no error')
    expect(well).toMatchObject({ code: 0, err: '' })
    expect(well.out).not.toContain('✗')

    const page = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
    const expiry = /^gatehouse_certificate_expiry_timestamp_seconds\{name="app\.example\.test"\} (\d+)$/m.exec(page)
    expect(Number(expiry?.[1])).toBe((await acceptedCertificate(https, roots)).validToDate.getTime() / 1_000)
    expect(page).toContain('gatehouse_certificate_renewal_failures{name="app.example.test"} 0')
  })

  // Three times it is the transport's own pauses that are waited for.
  it('while the CA is away a fallback serves, and every verb says so and why', { timeout: 60_000 }, async () => {
    const storage = mkdtempSync('/dev/shm/gatehouse-test-')
    ends.push(async () => rmSync(storage, { recursive: true }))
    const { pebble, gatehouse, http, https, metrics } = await site({ away: true, storage })
    await gatehouse.waitFor({ message: /^no certificate for app.example.test from / })
    const warned = gatehouse.lines.filter(({ message }) => String(message).includes('is on tmpfs, which is lost'))
    expect(warned).toHaveLength(1)
    const renewed = await verb('certs', 'renew', 'app.example.test', gatehouse.file)
    expect(renewed).toMatchObject({ code: 3, out: '', err: expect.stringContaining('cannot be reached') })

    const list = await verb('certs', 'list', gatehouse.file)
    expect(list.out).toMatch(/\(fallback\) .+ next attempt in .+ cannot be reached: /)
    const status = await verb('status', gatehouse.file)
    expect(status.out).toContain(
      'the internal CA serves meanwhile, which browsers warn about: run `gatehouse certs doctor',
    )
    const health = await verb('healthcheck', gatehouse.file)
    expect(health.code).toBe(0)
    expect(health.out).toMatch(/^healthy \(warning: the internal CA serves app\.example\.test.+no new certificate for/)

    const doctor = ['certs', 'doctor', gatehouse.file, '--resolver', pebble.dns.address]
    const ill = await verb(...doctor, '--ports', `${http},${https}`)
    expect(ill.code).toBe(1)
    expect(ill.out).toMatch(/✗ the running gatehouse failed \d+ times: .+ cannot be reached/)
    expect(ill.out).toContain('! the storage is on tmpfs, which is lost with the container')
    expect(ill.out).toMatch(/✗ cannot use the CA's directory at \S+: .+\n {6}→ check the firewall/)
    const page = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
    expect(page).toMatch(/^gatehouse_certificate_renewal_failures\{name="app\.example\.test"\} [2-9]$/m)

    // Whoever trusts what `certs trust` prints is served without a warning even now.
    const { out: root } = await verb('certs', 'trust', '--pem', gatehouse.file)
    expect(root).toBe(readFileSync(join(storage, 'internal/root.crt'), 'utf8'))
    expect((await acceptedCertificate(https, [root])).issuer).toContain('Gatehouse internal CA')
  })
})

it('without a gatehouse that runs, list and renew say so; so does a certificate that no CA renews', async () => {
  const gatehouse = startGatehouse({
    config: `
gateway:
  listeners: { https: { address: "127.0.0.1:0", tls: true } }
  routes: [{ redirect: { to: "https://{host}{uri}" } }]
certificates: [{ domains: [inside.test], use: [{ internal: {} }] }]
storage: ./storage
control: { socket: ./control.sock }
`,
  })
  ends.push(() => gatehouse.stop())
  await gatehouse.ready()
  const refused = await verb('certs', 'renew', 'inside.test', gatehouse.file)
  expect(refused).toMatchObject({ code: 3, err: expect.stringContaining('inside.test has no ACME source') })
  const { code, err } = await verb('certs', 'list', gatehouse.file, '--socket', join(gatehouse.folder, 'none.sock'))
  expect({ code, err }).toEqual({ code: 4, err: expect.stringContaining('no gatehouse listens on') })
})
