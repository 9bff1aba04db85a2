/**
 * The TLS rows of the reference deployment, against any config file that claims to serve them (routes.ts says how to pass one).
 * What is asked of `start` beside that: `PORT` and `GATEHOUSE_HTTPS_PORT` of the variables are obeyed, and the volume's
 * certificates, `GATEHOUSE_ACME_DIRECTORY` and `GATEHOUSE_ACME_CA` are used.
 */
import { once } from 'node:events'
import { connect } from 'node:http2'
import { connect as connectTls, type PeerCertificate } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeCertificate } from '../certificates/make-certificate.ts'
import { type Pebble, startPebble } from '../certificates/pebble.ts'
import { acceptedCertificate } from '../e2e/support/accepted-certificate.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { part } from '../parts.ts'
import { ask, seen } from './asking.ts'
import { expectEveryAnswersHeaders } from './headers.ts'
import { type Deployment, type Site, testSite, type Variables } from './site.ts'
import type { Seen } from './upstream.ts'

export const domain = 'app.example'

/** Of the operator, as `fullchain.pem` and `privkey.pem` in the volume. */
const own = makeCertificate({ names: [domain, `*.${domain}`] })
const ownFiles = { 'ssl/fullchain.pem': own.certificate, 'ssl/privkey.pem': own.key }

function certbotFiles({ certificate, key }: { readonly certificate: string; readonly key: string }): Variables {
  const folder = `letsencrypt/live/${domain}`
  return { [`${folder}/fullchain.pem`]: certificate, [`${folder}/privkey.pem`]: key }
}

/** Registers the tests; to be called inside a `describe`. */
export function tlsTests(deployment: Deployment): void {
  const site = testSite(deployment)
  describe('its TLS', () => {
    listenerRows(site)
    fileRows(site)
  })
  describe.skipIf(!part('pebble'))('with an ACME server', () => acmeRows(site))
}

function listenerRows(site: Site): void {
  it.each(['', `https://${domain}`, `http://${domain}`])(
    'there is none with the domain "%s", even if certificates lie in the volume',
    async (value) => {
      const stacks = site.volume({ ...ownFiles, ...certbotFiles(own) })
      const { http, https } = await site.start({ APPSMITH_CUSTOM_DOMAIN: value, GATEHOUSE_STACKS: stacks })
      expect((await ask(http, '/info', { host: domain })).status).toBe(200)
      await expect(ask(https, '/info', { ca: own.certificate, host: domain })).rejects.toThrow('ECONNREFUSED')
    },
  )

  it('with a domain its requests are sent to HTTPS, those for other hosts are answered over HTTP', async () => {
    const { http, https } = await site.start({
      APPSMITH_CUSTOM_DOMAIN: domain,
      GATEHOUSE_STACKS: site.volume(ownFiles),
    })
    for (const [method, host] of [
      ['GET', domain],
      ['POST', domain],
      ['GET', `${domain}:${http}`],
      ['GET', domain.toUpperCase()],
    ] as const) {
      const { status, headers } = await ask(http, '/app?x=1', { method, host })
      expect({ status, connection: headers.connection }).toEqual({ status: 302, connection: 'close' })
      expectEveryAnswersHeaders(headers)
      expect(headers.location?.toLowerCase()).toBe(`https://${domain}/app?x=1`)
    }
    // Probes ask localhost, and balancers ask by address.
    for (const host of ['localhost', '127.0.0.1', `other.${domain}`])
      expect((await ask(http, '/info', { host })).status, host).toBe(200)
    expect((await ask(https, '/info', { ca: own.certificate, host: domain })).status).toBe(200)
  })

  it('upstreams learn from X-Forwarded-Proto that it was HTTPS, over h1 and h2', async () => {
    const { https } = await site.start({ APPSMITH_CUSTOM_DOMAIN: domain, GATEHOUSE_STACKS: site.volume(ownFiles) })
    const overH1 = await seen(https, '/api/x', { ca: own.certificate, host: domain })
    expect(overH1.headers).toMatchObject({ host: domain, 'x-forwarded-proto': 'https', 'x-forwarded-host': domain })
    const session = connect(`https://127.0.0.1:${https}`, { ca: own.certificate, servername: domain })
    onTestFinished(() => session.destroy())
    const stream = session.request({ ':path': '/api/x', ':authority': domain })
    let body = ''
    for await (const chunk of stream.setEncoding('utf8')) body += chunk
    expect(JSON.parse(body) as Seen).toMatchObject({
      upstream: 'backend',
      headers: { host: domain, 'x-forwarded-proto': 'https' },
    })
  })
}

function fileRows(site: Site): void {
  const certbot = makeCertificate({ names: [domain] })

  it('the pair in the volume comes first, and serves any name', async () => {
    const stacks = site.volume({ ...ownFiles, ...certbotFiles(certbot) })
    const { https } = await site.start({ APPSMITH_CUSTOM_DOMAIN: domain, GATEHOUSE_STACKS: stacks })
    expect((await ask(https, '/info', { ca: own.certificate, host: domain })).status).toBe(200)
    expect((await ask(https, '/info', { ca: own.certificate, host: `other.${domain}` })).status).toBe(200)
    const { fingerprint256 } = await presented(https, domain)
    for (const name of ['elsewhere.test', undefined])
      expect((await presented(https, name)).fingerprint256, name).toBe(fingerprint256)
  })

  it('without it those of certbot serve', async () => {
    const stacks = site.volume(certbotFiles(certbot))
    const { https } = await site.start({ APPSMITH_CUSTOM_DOMAIN: domain, GATEHOUSE_STACKS: stacks })
    expect((await ask(https, '/info', { ca: certbot.certificate, host: domain })).status).toBe(200)
  })
}

function acmeRows(site: Site): void {
  const expired = { names: [domain], notBefore: new Date('2020-01-01'), notAfter: new Date('2020-04-01') }

  it('if certbot’s have expired, one is issued', async () => {
    const { pebble, ports } = await authority()
    const stacks = site.volume(certbotFiles(makeCertificate(expired)))
    const { gatehouse, https } = await site.start({
      ...ports,
      ...acmeOf(pebble),
      APPSMITH_CUSTOM_DOMAIN: domain,
      GATEHOUSE_STACKS: stacks,
    })
    await gatehouse.waitFor({ message: /^the certificate for app.example is now from acme/ })
    await expectIssued(pebble, https)
  })

  it('the CA of the ACME server may be one of the system’s bundle', async () => {
    const { pebble, ports } = await authority()
    const { gatehouse, https } = await site.start({
      ...ports,
      GATEHOUSE_ACME_DIRECTORY: pebble.directory,
      // Where OpenSSL looks for the system's bundle; default: /etc/ssl/certs.
      SSL_CERT_FILE: pebble.trust,
      APPSMITH_CUSTOM_DOMAIN: domain,
    })
    await gatehouse.waitFor({ message: /^the certificate for app.example is now from acme/ })
    await expectIssued(pebble, https)
  })

  it('files that serve keep the ACME server unasked', async () => {
    const { pebble, ports } = await authority()
    const { gatehouse, https } = await site.start({
      ...ports,
      ...acmeOf(pebble),
      APPSMITH_CUSTOM_DOMAIN: domain,
      GATEHOUSE_STACKS: site.volume(ownFiles),
    })
    await gatehouse.waitFor({ message: 'listening', listener: 'https' })
    expect((await ask(https, '/info', { ca: own.certificate, host: domain })).status).toBe(200)
    expect(pebble.lines.filter((line) => /nonce-plz|sign-me-up|order-plz/.test(line))).toEqual([])
  })
}

/** An ACME server that looks for challenges where Gatehouse will listen. */
async function authority(): Promise<{ readonly pebble: Pebble; readonly ports: Variables }> {
  const [httpPort = 0, tlsPort = 0] = await freePorts(2)
  const pebble = await startPebble({ httpPort, tlsPort })
  onTestFinished(() => pebble.stop())
  return { pebble, ports: { PORT: String(httpPort), GATEHOUSE_HTTPS_PORT: String(tlsPort) } }
}

function acmeOf({ directory, trust }: Pebble): Variables {
  return { GATEHOUSE_ACME_DIRECTORY: directory, GATEHOUSE_ACME_CA: trust }
}

async function expectIssued(pebble: Pebble, https: number): Promise<void> {
  const roots = await pebble.roots()
  // The threads get it a moment later.
  const issuer = async () => (await acceptedCertificate(https, roots, domain).catch(() => undefined))?.issuer
  await expect.poll(issuer, { timeout: 10_000 }).toMatch(/Pebble Intermediate CA/)
}

/** What is presented to a client that asks for this name, or for none, by any issuer. */
async function presented(port: number, servername: string | undefined): Promise<PeerCertificate> {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...(servername && { servername }) })
  await once(socket, 'secureConnect')
  const certificate = socket.getPeerCertificate()
  socket.destroy()
  return certificate
}
