import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect as connectH2 } from 'node:http2'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import type { ClientCertificatesPlan } from '../../src/plan/model/gateway.ts'
import { type MadeCertificate, makeCertificate } from '../certificates/make-certificate.ts'
import { ask, askOn, readUntil } from './clients.ts'
import {
  ca,
  certificate,
  cleanUp,
  host,
  proxyTo,
  type RunningGateway,
  startGateway,
  temporaryFolder,
  whenOver,
} from './support.ts'
import { upstream } from './upstreams.ts'

afterEach(cleanUp)

const authority = makeCertificate({ commonName: 'Authority of clients', authority: true })
const otherAuthority = makeCertificate({ commonName: 'Another authority', authority: true })
const alice = makeCertificate({ commonName: 'alice, of Zürich', issuer: authority })
const stranger = makeCertificate({ commonName: 'alice, of Zürich', issuer: otherAuthority })
const late = makeCertificate({ commonName: 'late', issuer: authority, notAfter: new Date(Date.now() - 60_000) })

const headers = { subject: 'x-client-subject', fingerprint: 'x-client-fingerprint', certificate: 'client-cert' }
const expected = {
  'x-client-subject': 'CN=alice\\, of Z\\c3\\bcrich',
  'x-client-fingerprint': fingerprintOf(alice),
  'client-cert': `:${new X509Certificate(alice.certificate).raw.toString('base64')}:`,
}

function fingerprintOf({ certificate: pem }: MadeCertificate): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()
}

interface Site {
  readonly gateway: RunningGateway
  /** Puts other terms into service, as a reload does. */
  ask(authorities: MadeCertificate, required: boolean): Promise<void>
}

/** Its upstream answers with the headers about clients that it got; an upgrade gets them in its 101. */
async function start(required: boolean): Promise<Site> {
  const about = (sent: NodeJS.Dict<string | string[]>) =>
    JSON.stringify(Object.fromEntries(Object.values(headers).map((name) => [name, sent[name]])))
  const behind = await upstream((request, response) => response.end(about(request.headers)))
  behind.server.on('upgrade', (request, socket) => {
    socket.on('error', () => {})
    socket.end(`HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${about(request.headers)}\n`)
  })
  const routes = [proxyTo(behind.port)]
  const gateway = await startGateway({ routes })
  const file = join(await temporaryFolder(), 'ca.pem')
  const site: Site = {
    gateway,
    async ask(authorities, required) {
      await writeFile(file, authorities.certificate)
      const clientCertificates: ClientCertificatesPlan = { ca: file, required, headers }
      await gateway.apply({
        routes,
        listeners: gateway.listeners.map((listener) => (listener.tls ? { ...listener, clientCertificates } : listener)),
      })
    },
  }
  await site.ask(authority, required)
  return site
}

const pairOf = ({ certificate: cert, key }: MadeCertificate) => ({ cert, key })

function dial(gateway: RunningGateway, options: ConnectionOptions): TLSSocket {
  const socket = connect({ host: '127.0.0.1', port: gateway.https, servername: host, ca, ...options })
  socket.on('error', () => {})
  whenOver(() => socket.destroy())
  return socket
}

/** The headers about the client that the upstream got. Rejects with the error of the connection if it is refused. */
async function headersAt(gateway: RunningGateway, options: ConnectionOptions, more = ''): Promise<object> {
  const socket = dial(gateway, options)
  const failed = once(socket, 'error')
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`)
  const answer = await Promise.race([
    readUntil(socket, '}'),
    failed.then(([error]) => {
      throw error
    }),
  ])
  return JSON.parse(answer.slice(answer.indexOf('{'), answer.indexOf('}') + 1))
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('client certificates over %s', (version) => {
  const only = { minVersion: version, maxVersion: version }

  it('are passed to the upstream, over h1, h2 and upgrades, by any name', async () => {
    const { gateway } = await start(true)
    expect(await headersAt(gateway, { ...only, ...pairOf(alice) })).toEqual(expected)
    expect(await headersAt(gateway, { ...only, ...pairOf(alice), servername: `sub.${host}` })).toEqual(expected)
    const withoutName = { ...only, ...pairOf(alice), servername: '', checkServerIdentity: () => undefined }
    expect(await headersAt(gateway, withoutName)).toEqual(expected)
    const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
    expect(await headersAt(gateway, { ...only, ...pairOf(alice) }, upgrade)).toEqual(expected)
    const session = connectH2(`https://${host}`, {
      createConnection: () => dial(gateway, { ...only, ...pairOf(alice), ALPNProtocols: ['h2'] }),
    })
    whenOver(() => session.destroy())
    expect(JSON.parse((await askOn(session, { headers: { 'x-client-subject': 'CN=root' } })).body)).toEqual(expected)
  })

  it('are refused if they are of another authority or expired, whether one is required or not', async () => {
    const { gateway, ask: terms } = await start(true)
    for (const required of [true, false]) {
      await terms(authority, required)
      for (const bad of [stranger, late])
        await expect(headersAt(gateway, { ...only, ...pairOf(bad) })).rejects.toThrow(/closed|ECONNRESET|disconnected/)
    }
    expect(gateway.warnings.join()).toMatch(
      /listener https: closed 1 connections; last cause: invalid client certificate/,
    )
    expect(gateway.errors).toEqual([])
  })

  it('if required, are missed with an alert; if requested, a client may come without', async () => {
    const { gateway, ask: terms } = await start(true)
    await expect(headersAt(gateway, only)).rejects.toThrow(
      version === 'TLSv1.3' ? /certificate required/ : /handshake failure/,
    )
    expect(gateway.warnings.join()).toContain('the client sent no certificate')
    await terms(authority, false)
    expect(await headersAt(gateway, { ...only }, 'X-Client-Subject: CN=root\r\n')).toEqual({})
    expect(await headersAt(gateway, { ...only, ...pairOf(alice) })).toEqual(expected)
  })

  it('are remembered by a session that is resumed, and by none that was begun on other terms', async () => {
    const { gateway, ask: terms } = await start(false)
    const visit = async (options: ConnectionOptions) => {
      const socket = dial(gateway, { ...only, ...options })
      const session = once(socket, 'session') as Promise<[Buffer]>
      await once(socket, 'secureConnect')
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      const answer = await readUntil(socket, '}')
      const seen = JSON.parse(answer.slice(answer.indexOf('{'), answer.indexOf('}') + 1))
      return { resumed: socket.isSessionReused(), seen, session }
    }
    const known = await (await visit(pairOf(alice))).session
    const unknown = await (await visit({})).session
    expect(await visit({ session: known[0] })).toMatchObject({ resumed: true, seen: expected })
    expect(await visit({ session: unknown[0] })).toMatchObject({ resumed: true, seen: {} })
    // The same certificates, but a client may not come in without: an anonymous session must not open the door.
    await terms(authority, true)
    await expect(headersAt(gateway, { ...only, session: unknown[0] })).rejects.toThrow()
    await terms(otherAuthority, true)
    await expect(headersAt(gateway, { ...only, session: known[0] })).rejects.toThrow()
    await expect(headersAt(gateway, { ...only, ...pairOf(alice) })).rejects.toThrow()
  })
})

describe('client certificates', () => {
  it('cannot be forged in headers, on listeners without them neither', async () => {
    const { gateway } = await start(true)
    const forged = { 'X-Client-Subject': 'CN=root', 'X-Client-Fingerprint': '00', 'Client-Cert': ':AA==:' }
    expect(JSON.parse((await ask(gateway, 'h1', { headers: forged })).body)).toEqual({})
  })

  it('are judged as before behind new certificates of ours and a new key for tickets', async () => {
    const { gateway } = await start(true)
    gateway.gateway.setCertificates([certificate])
    gateway.gateway.renewTickets(Buffer.alloc(48, 1))
    expect(await headersAt(gateway, pairOf(alice))).toEqual(expected)
    await expect(headersAt(gateway, pairOf(stranger))).rejects.toThrow()
    await expect(headersAt(gateway, {})).rejects.toThrow(/certificate required/)
  })

  it('refuse a plan whose authorities cannot be read, and keep the one before', async () => {
    const { gateway, ask: terms } = await start(true)
    await expect(terms({ ...authority, certificate: 'nothing' }, true)).rejects.toThrow(
      'listener https: `ca` of its clientCertificates holds no certificate in PEM',
    )
    expect(await headersAt(gateway, pairOf(alice))).toEqual(expected)
  })
})
