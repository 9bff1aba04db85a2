/** Certificates that the whole program gets by itself from a real ACME server, with two gateway threads that answer its challenges. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Pebble, type PebbleOptions, startPebble } from '../certificates/pebble.ts'
import { part } from '../parts.ts'
import { acceptedCertificate } from './support/accepted-certificate.ts'
import { rootCertificate } from './support/clients.ts'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, startGatehouse } from './support/gatehouse.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Site {
  readonly pebble: Pebble
  readonly https: number
  start(storage: string, acme?: string, domain?: string): Gatehouse
}

async function site(options: Partial<PebbleOptions> = {}): Promise<Site> {
  const [http = 0, https = 0] = await freePorts(2)
  const pebble = await startPebble({ httpPort: http, tlsPort: https, ...options })
  ends.push(() => pebble.stop())
  return {
    pebble,
    https,
    start(storage, acme = '', domain = 'app.example.test') {
      const gatehouse = startGatehouse({
        files: { 'dns-hook.mjs': dnsHook },
        env: { DNS: pebble.dns.management },
        config: `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:${http}" }, https: { address: "127.0.0.1:${https}", tls: true } }
  routes: [{ redirect: { to: "https://{host}{uri}" } }]
certificates:
  - { domains: ["${domain}"], use: [{ acme: { directory: "${pebble.directory}", trust: ${pebble.trust}${acme} } }] }
storage: ${storage}
control: { socket: ./control.sock }
`,
      })
      ends.push(() => gatehouse.stop())
      return gatehouse
    },
  }
}

/** As an operator would write it: `set` or `clear`, the name of the record, its value. */
const dnsHook = `
const [action, name, value] = process.argv.slice(2)
const answer = await fetch(process.env.DNS + '/' + action + '-txt', { method: 'POST', body: JSON.stringify({ host: name + '.', value }) })
console.log(action, name, answer.status)
`

const internalRoot = ({ folder }: Gatehouse) => [rootCertificate(join(folder, 'storage'))]

describe.skipIf(!part('pebble'))('with an ACME server', () => {
  it.each(['http-01', 'tls-alpn-01'])('serves at once, and soon with a certificate proved by %s', async (type) => {
    const { pebble, https, start } = await site()
    pebble.pause()
    const gatehouse = start('./storage', `, challenges: [${type}]`)
    await gatehouse.ready()
    // The CA is away: our own serves meanwhile, and says so.
    expect((await acceptedCertificate(https, internalRoot(gatehouse))).issuer).toMatch(/Gatehouse internal CA/)
    pebble.resume()
    await gatehouse.waitFor({
      message: /^obtained a certificate for app.example.test from 127.0.0.1:\d+, valid until /,
    })
    await gatehouse.waitFor({ message: /^the certificate for app.example.test is now from acme, issued by Pebble/ })
    // The threads get it a moment later.
    const roots = await pebble.roots()
    await expect
      .poll(async () => (await acceptedCertificate(https, roots).catch(() => undefined))?.issuer)
      .toMatch(/Pebble Intermediate CA/)
  })

  it('takes up what is in storage without asking the CA', async () => {
    const { pebble, https, start } = await site()
    const storage = mkdtempSync(join(tmpdir(), 'gatehouse-acme-'))
    ends.push(async () => rmSync(storage, { recursive: true }))
    const first = start(storage)
    await first.waitFor({ message: /^obtained a certificate for app.example.test from / })
    await first.stop()
    const roots = await pebble.roots()
    await pebble.stop()
    const second = start(storage)
    await second.ready()
    expect((await acceptedCertificate(https, roots)).issuer).toMatch(/Pebble Intermediate CA/)
  })

  it('gets a wildcard by way of a hook that sets records in the DNS, and clears them', async () => {
    const { pebble, https, start } = await site()
    const gatehouse = start('./storage', ', dns: { run: [node, dns-hook.mjs] }', '*.example.test')
    await gatehouse.waitFor({ message: /^the certificate for \*.example.test is now from acme/ })
    const hook = gatehouse.lines.filter((line) => line.process === 'dns-hook').map(({ message }) => message)
    expect(hook).toEqual(['set _acme-challenge.example.test 200', 'clear _acme-challenge.example.test 200'])
    const roots = await pebble.roots()
    const shown = async () =>
      (await acceptedCertificate(https, roots, 'any.example.test').catch(() => undefined))?.subjectAltName
    await expect.poll(shown).toBe('DNS:*.example.test')
  })

  it('says why a hook failed, with its last words, and serves on', async () => {
    const { https, start } = await site()
    const gatehouse = start('./storage', ', dns: { run: [sh, -c, "echo no such zone; exit 3"] }', '*.example.test')
    const { message } = await gatehouse.waitFor({ level: 'error', message: /^no certificate for/ })
    expect(message).toMatch(/: the dns hook exited with code 3: no such zone; next attempt in /)
    expect((await acceptedCertificate(https, internalRoot(gatehouse), 'any.example.test')).issuer).toMatch(
      /Gatehouse internal CA/,
    )
  })
})
