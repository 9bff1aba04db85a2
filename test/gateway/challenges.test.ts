import { once } from 'node:events'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import type { ServedChallenge } from '../../src/gateway/ports.ts'
import { makeCertificate } from '../certificates/make-certificate.ts'
import { ask } from './clients.ts'
import { ca, cleanUp, host, type RouteWish, type RunningGateway, startGateway, whenOver } from './support.ts'

afterEach(cleanUp)

const path = '/.well-known/acme-challenge/token'
const proof: ServedChallenge = { type: 'http-01', name: host, token: 'token', proof: 'token.print' }
const redirect: RouteWish = { kind: 'redirect', to: 'https://{host}{uri}', status: 302, close: true }

describe('an ACME server that asks over HTTP', () => {
  it('is answered before redirects, address lists and unknown hosts; HEAD too', async () => {
    const gateway = await startGateway({
      routes: [{ ...redirect, guards: { addresses: [{ allow: ['10.0.0.0/8'], deny: [] }] } }],
    })
    gateway.gateway.show([proof])
    for (const name of [host, 'unknown.example', '127.0.0.1']) {
      const answer = await ask(gateway, 'h1', { path, headers: { host: name } })
      expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: 'token.print' })
    }
    expect(await ask(gateway, 'h1', { path, method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
    expect((await ask(gateway, 'h1', { path: '/' })).status).toBe(403)
  })

  it('is left to the routes with another token, another method, and when the challenge is over', async () => {
    const gateway = await startGateway({ routes: [redirect] })
    gateway.gateway.show([proof])
    const others = [{ path: `${path}2` }, { path, method: 'POST' }, { path: `${path}/` }]
    for (const other of others) expect((await ask(gateway, 'h1', other)).status).toBe(302)
    gateway.gateway.show([])
    const answer = await ask(gateway, 'h1', { path })
    expect({ status: answer.status, location: answer.headers.location, connection: answer.headers.connection }).toEqual(
      {
        status: 302,
        location: `https://${host}${path}`,
        connection: 'close',
      },
    )
  })
})

function dial(gateway: RunningGateway, servername: string, more: ConnectionOptions): TLSSocket {
  const port = gateway.https
  const socket = connect({ host: '127.0.0.1', port, servername, ca, ALPNProtocols: ['acme-tls/1'], ...more })
  whenOver(() => socket.destroy())
  return socket
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('an ACME server that asks over %s', (version) => {
  const only = { minVersion: version, maxVersion: version }

  it('sees the certificate of the challenge, for an address by its reverse name, and is closed', async () => {
    const names = [
      ['192.0.2.7', '7.2.0.192.in-addr.arpa'],
      ['2001:db8::1', `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`],
      [host, host],
    ] as const
    const gateway = await startGateway({ routes: [] })
    for (const [name, servername] of names) {
      const { certificate, key } = makeCertificate({ names: [servername] })
      gateway.gateway.show([{ type: 'tls-alpn-01', name, token: 't', proof: 'p', pair: { certificate, key } }])
      const socket = dial(gateway, servername, { ...only, ca: certificate })
      socket.resume()
      const closed = once(socket, 'close')
      await once(socket, 'secureConnect')
      expect(socket.alpnProtocol).toBe('acme-tls/1')
      await closed
    }
  })

  it('is refused while no challenge is under way, with the alert for it', async () => {
    const gateway = await startGateway({ routes: [] })
    const socket = dial(gateway, host, only)
    await expect(once(socket, 'secureConnect')).rejects.toThrow(/no application protocol/i)
    expect(gateway.errors).toEqual([])
  })
})
