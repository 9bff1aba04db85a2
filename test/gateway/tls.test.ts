import { createServer as createHttpsServer } from 'node:https'
import { type ConnectionOptions, connect, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import type { ServedCertificate } from '../../src/shared/served.ts'
import { makeCertificate } from '../certificates/make-certificate.ts'
import { ask, askOn, h2Session, rawSocket, readUntil, text, tlsSocket } from './clients.ts'
import { certificate, cleanUp, host, planOf, proxyTo, type RunningGateway, startGateway, whenOver } from './support.ts'
import { listening, upstream } from './upstreams.ts'

afterEach(cleanUp)

function certificateFor(names: readonly string[], anyName = false): ServedCertificate {
  const made = makeCertificate({ names })
  return { names, certificate: made.certificate, key: made.key, anyName }
}

/** Resolves with the socket after a verified handshake; rejects with the client's error. */
function shake(gateway: RunningGateway, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: gateway.https, ...options }, () => resolve(socket))
    socket.on('error', reject)
    whenOver(() => socket.destroy())
  })
}

describe('the certificate of a handshake', () => {
  const exact = certificateFor(['one.example'])
  const wildcard = certificateFor(['*.two.example', 'two.example'])
  const fallback = certificateFor(['default.example'], true)

  async function start(certificates: readonly ServedCertificate[]): Promise<RunningGateway> {
    const gateway = await startGateway({ routes: [] })
    gateway.gateway.setCertificates(certificates)
    return gateway
  }

  it('is the one of the name, exact or by a wildcard for one label, in any case', async () => {
    const gateway = await start([exact, wildcard])
    for (const [servername, served] of [
      ['one.example', exact],
      ['ONE.Example', exact],
      ['two.example', wildcard],
      ['a.two.example', wildcard],
    ] as const) {
      const socket = await shake(gateway, { servername, ca: served.certificate })
      expect(socket.authorized).toBe(true)
    }
  })

  it('is refused for a name that none covers, and the listener keeps serving', async () => {
    const gateway = await start([exact, wildcard])
    for (const servername of ['other.example', 'a.b.two.example', 'two', 'a.one.example']) {
      await expect(shake(gateway, { servername, ca: exact.certificate }), servername).rejects.toThrow(
        /unrecognized name/,
      )
    }
    await shake(gateway, { servername: 'one.example', ca: exact.certificate })
    expect(gateway.errors).toEqual([])
  })

  it('is that with anyName for any other name, and for clients that name none', async () => {
    const gateway = await start([exact, fallback])
    const identity = {
      checkServerIdentity: (_name: string, { subjectaltname }: { subjectaltname?: string }) => {
        expect(subjectaltname).toBe('DNS:default.example')
        return undefined
      },
    }
    await shake(gateway, { servername: 'unknown.example', ca: fallback.certificate, ...identity })
    await shake(gateway, { servername: '', ca: fallback.certificate, ...identity })
    await shake(gateway, { servername: 'one.example', ca: exact.certificate })
  })

  it('is the first for clients that name none, if none has anyName', async () => {
    const gateway = await start([exact, wildcard])
    const socket = await shake(gateway, { servername: '', ca: exact.certificate, checkServerIdentity: () => undefined })
    expect(socket.getPeerCertificate().subjectaltname).toBe('DNS:one.example')
  })

  it('is exchanged without ending a connection', async () => {
    const behind = await upstream((_request, response) => response.end('ok'))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const session = h2Session(gateway)
    const kept = tlsSocket(gateway.https)
    const request = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`
    kept.write(request)
    await readUntil(kept, 'ok')
    expect((await askOn(session)).body).toBe('ok')
    const next = certificateFor([host])
    gateway.gateway.setCertificates([next])
    kept.write(request)
    await readUntil(kept, 'ok')
    expect((await askOn(session)).body).toBe('ok')
    await shake(gateway, { servername: host, ca: next.certificate })
    await expect(shake(gateway, { servername: host, ca: certificate.certificate })).rejects.toThrow(/self-signed/)
  })

  it('stays the old one if the new one cannot be used', async () => {
    const gateway = await start([exact])
    expect(() => gateway.gateway.setCertificates([{ ...exact, key: wildcard.key }])).toThrow(/key values mismatch/)
    await expect(
      gateway.gateway.apply({ ...plan(gateway) }, [{ ...exact, certificate: 'no certificate' }]),
    ).rejects.toThrow()
    await shake(gateway, { servername: 'one.example', ca: exact.certificate })
  })
})

function plan(gateway: RunningGateway) {
  return planOf({ routes: [] }, gateway.listeners)
}

describe('TLS', () => {
  it('offers h2 and http/1.1 and leaves the choice to the client', async () => {
    const gateway = await startGateway({ routes: [] })
    const ca = certificate.certificate
    for (const [offered, chosen] of [
      [['h2', 'http/1.1'], 'h2'],
      [['http/1.1'], 'http/1.1'],
      [undefined, false],
    ] as const) {
      const socket = await shake(gateway, { servername: host, ca, ...(offered && { ALPNProtocols: [...offered] }) })
      expect(socket.alpnProtocol).toBe(chosen)
    }
    await expect(shake(gateway, { servername: host, ca, ALPNProtocols: ['spdy/3'] })).rejects.toThrow(
      /no application protocol/i,
    )
  })

  it('is never older than 1.2, and 1.2 only with ciphers of forward secrecy', async () => {
    const gateway = await startGateway({ routes: [] })
    const ca = certificate.certificate
    const seclevel0 = 'DEFAULT:@SECLEVEL=0'
    await expect(
      shake(gateway, { servername: host, ca, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: seclevel0 }),
    ).rejects.toThrow(/protocol version/i)
    const socket = await shake(gateway, { servername: host, ca, maxVersion: 'TLSv1.2' })
    expect(socket.getProtocol()).toBe('TLSv1.2')
    expect(socket.getCipher().name).toMatch(/^ECDHE-.*(GCM|POLY1305)/)
    await expect(
      shake(gateway, { servername: host, ca, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }),
    ).rejects.toThrow(/handshake failure/i)
  })

  it('survives clients that speak something else or leave in the handshake', async () => {
    const gateway = await startGateway({ routes: [] })
    const plain = rawSocket(gateway.https)
    plain.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await text(plain).catch(() => {})
    const leaving = rawSocket(gateway.https)
    leaving.write(Buffer.from('1603010200010001fc0303', 'hex'))
    await new Promise((resolve) => leaving.once('connect', resolve))
    leaving.resetAndDestroy()
    for (const garbage of ['PRI * garbage', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\xff'.repeat(20)}`]) {
      const speaker = tlsSocket(gateway.https, 'h2')
      speaker.write(garbage, 'latin1')
      await text(speaker).catch(() => {})
    }
    expect((await ask(gateway, 'h2')).status).toBe(404)
    expect((await ask(gateway, 'h1s')).status).toBe(404)
    expect(gateway.errors).toEqual([])
  })
})

describe('an upstream with TLS', () => {
  const made = makeCertificate({ names: ['localhost'] })
  const before = getCACertificates('default')

  async function start() {
    setDefaultCACertificates([...before, made.certificate])
    whenOver(() => setDefaultCACertificates(before))
    const asked: unknown[] = []
    const server = createHttpsServer({ cert: made.certificate, key: made.key }, (request, response) => {
      asked.push((request.socket as TLSSocket).servername)
      response.end(`host ${request.headers.host}`)
    })
    server.on('upgrade', (request, socket) => {
      asked.push((request.socket as TLSSocket).servername)
      socket.on('error', () => {})
      socket.end('HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\ntunnel')
    })
    return { asked, behind: await listening(server) }
  }

  it('is verified by the name in the plan, whatever Host the client chose', async () => {
    const { asked, behind } = await start()
    const gateway = await startGateway({ routes: [proxyTo(0, { origin: `https://localhost:${behind.port}` })] })
    for (const name of ['evil.example', host, 'evil.example']) {
      expect(await ask(gateway, 'h1', { headers: { host: name } })).toMatchObject({ status: 200, body: `host ${name}` })
    }
    expect(asked).toEqual(['localhost', 'localhost', 'localhost'])
    expect(await behind.connections()).toBe(1)
  })

  it('is verified in upgrades too', async () => {
    const { asked, behind } = await start()
    const gateway = await startGateway({ routes: [proxyTo(0, { origin: `https://localhost:${behind.port}` })] })
    const socket = rawSocket(gateway.http)
    socket.write('GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 101 [\s\S]*tunnel$/)
    expect(asked).toEqual(['localhost'])
  })

  it('is not trusted with a certificate for another name, nor a self-signed one', async () => {
    const { behind } = await start()
    const gateway = await startGateway({ routes: [proxyTo(0, { origin: `https://127.0.0.1:${behind.port}` })] })
    expect((await ask(gateway, 'h1', { headers: { host: 'localhost' } })).status).toBe(502)
    expect((await gateway.waitForRecord(() => true)).error).toMatch(/altnames|127\.0\.0\.1/)
    const upgrade = 'GET /up HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    const socket = rawSocket(gateway.http)
    socket.write(upgrade)
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 502 /)
    setDefaultCACertificates(before)
    await gateway.apply({ routes: [proxyTo(0, { origin: `https://localhost:${behind.port}` })] })
    expect((await ask(gateway, 'h1')).status).toBe(502)
    expect((await gateway.waitForRecord(({ error }) => /self-signed/.test(error ?? ''))).status).toBe(502)
  })
})
