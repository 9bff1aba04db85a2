import { afterEach, describe, expect, it } from 'vitest'
import { ask, exchangeRaw, logged, protocols } from './clients.ts'
import { cleanUp, host, startGateway } from './support.ts'

afterEach(cleanUp)

describe.each(protocols)('a redirect over %s', (protocol) => {
  it('to a path never leads to another host, whatever path was asked for', async () => {
    const gateway = await startGateway({
      routes: [
        { kind: 'redirect', to: '{path}/', status: 302, close: false, match: { paths: ['*/evil.example'] } },
        { kind: 'redirect', to: '/{uri}', status: 302, close: false },
      ],
    })
    const locate = async (path: string) => (await ask(gateway, protocol, { path })).headers.location
    expect(await locate('//evil.example')).toBe('/evil.example/')
    expect(await locate('//evil.example/x?y')).toBe('/evil.example/x?y')
  })

  it('fills in scheme, host without port, path and query', async () => {
    const gateway = await startGateway({
      routes: [{ kind: 'redirect', to: '{scheme}://{host}{uri}#{path}{other}', status: 307, close: false }],
    })
    const { status, headers, body } = await ask(gateway, protocol, {
      path: '/a/../b%2fc?d=$&e',
      method: 'POST',
      headers: { host: `${host}:8080` },
      body: 'ignored',
    })
    const scheme = logged[protocol].tls ? 'https' : 'http'
    expect({ status, body }).toEqual({ status: 307, body: '' })
    expect(headers.location).toBe(`${scheme}://${host}/b%2Fc?d=$&e#/b%2Fc{other}`)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ ...logged[protocol], status: 307, bytes: 0 })
  })

  it('closes the connection only if it should, and never with an h1 header over h2', async () => {
    const gateway = await startGateway({
      routes: [
        { kind: 'redirect', to: '/a', status: 301, close: true, match: { paths: ['/close'] } },
        { kind: 'redirect', to: '/a', status: 301, close: false },
      ],
    })
    const closed = await ask(gateway, protocol, { path: '/close', headers: { connection: 'keep-alive' } }).catch(
      () => undefined,
    )
    if (protocol === 'h2') expect(closed?.headers ?? {}).not.toHaveProperty('connection')
    else expect(closed?.headers.connection).toBe('close')
  })
})

describe('a redirect that closes', () => {
  it('ends the h1 connection after the answer', async () => {
    const gateway = await startGateway({ routes: [{ kind: 'redirect', to: '/a', status: 301, close: true }] })
    const answer = await exchangeRaw(gateway.http, 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(answer.match(/HTTP\/1\.1 301/g)).toHaveLength(1)
  })
})
