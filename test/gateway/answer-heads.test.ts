/**
 * Heads of answers that HTTP/1.1 lets through and HTTP/2 is said to refuse: what a client reads is the same over both.
 */
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, protocols } from './clients.ts'
import { cleanUp, proxyTo, startGateway } from './support.ts'
import { rawUpstream } from './upstreams.ts'

afterEach(cleanUp)

const date = 'Mon, 01 Jan 2024 00:00:00 GMT'

async function answering(head: string, body = 'hello') {
  return rawUpstream((socket: Socket) => {
    socket.once('data', () => socket.end(`${head}Content-Length: ${body.length}\r\n\r\n${body}`, 'latin1'))
  })
}

function valuesOf(raw: readonly (readonly [string, string])[], name: string): string[] {
  return raw.flatMap(([own, value]) => (own.toLowerCase() === name ? [value] : []))
}

describe.each(protocols)('over %s', (protocol) => {
  it.each([
    ['Date', [date, date], [date]],
    ['Content-Type', ['text/plain', 'text/html'], ['text/plain']],
    ['ETag', ['"a"', '"b"'], ['"a"']],
    ['Location', ['/a', '/b'], ['/a']],
    ['X-Content-Type-Options', ['nosniff', 'nosniff'], ['nosniff']],
    ['Access-Control-Allow-Credentials', ['true', 'true'], ['true']],
    ['Last-Modified', [date, date], [date]],
    ['Retry-After', ['1', '2'], ['1']],
    ['Content-Language', ['de', 'en'], ['de', 'en']],
    ['Content-Encoding', ['a', 'b'], ['a', 'b']],
    ['Set-Cookie', ['a=1', 'b=2'], ['a=1', 'b=2']],
    ['User-Agent', ['a', 'b'], ['a', 'b']],
    ['X-Any', ['a', 'a'], ['a', 'a']],
  ])('a repeated %s is no fault of the gateway', async (name, sent, expected) => {
    const fields = sent.map((value) => `${name}: ${value}\r\n`).join('')
    const behind = await answering(`HTTP/1.1 200 OK\r\n${fields}`)
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const { status, raw, body } = await ask(gateway, protocol)
    expect({ status, body, values: valuesOf(raw, name.toLowerCase()) }).toEqual({
      status: 200,
      body: 'hello',
      values: expected,
    })
  })

  it.each([599, 600, 666, 999])('status %i arrives, and stands in the log', async (status) => {
    const behind = await answering(`HTTP/1.1 ${status} Denied\r\n`)
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    expect(await ask(gateway, protocol)).toMatchObject({ status, body: 'hello' })
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status })
  })

  it('blanks around a value are no part of it, empty values and foreign letters are', async () => {
    const behind = await answering(
      'HTTP/1.1 200 OK\r\nX-Pad: \t v w \t \r\nSet-Cookie: a=b; \r\nX-Empty: \t\r\nX-None:\r\nX-Foreign: caf\xe9\xa0\r\n',
    )
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const { raw } = await ask(gateway, protocol)
    expect(['x-pad', 'set-cookie', 'x-empty', 'x-none', 'x-foreign'].map((name) => valuesOf(raw, name))).toEqual([
      ['v w'],
      ['a=b;'],
      [''],
      [''],
      ['caf\xe9\xa0'],
    ])
  })

  it('foreign letters stay what they are where the body comes later than the head', async () => {
    let finish = () => {}
    const behind = await rawUpstream((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nX-Foreign: caf\xe9\r\nContent-Length: 5\r\n\r\n', 'latin1')
      finish = () => void socket.end('hello')
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const asked = ask(gateway, protocol, { onHead: () => finish() })
    const { raw, body } = await asked
    expect([valuesOf(raw, 'x-foreign'), body]).toEqual([['caf\xe9'], 'hello'])
  })

  it('a 205 is whole with its head, and its connection is kept, though the upstream owes a body that never comes', async () => {
    const behind = await rawUpstream((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\n'))
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    expect(await ask(gateway, protocol)).toMatchObject({ status: 205, body: '' })
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 205, bytes: 0 })
    await behind.abandoned()
  })

  it('what belongs to the connection stays there', async () => {
    const behind = await answering(
      'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\nTE: gzip\r\nUpgrade: h2c\r\n' +
        'Connection: close, X-Hop\r\nX-Hop: 1\r\nHTTP2-Settings: x\r\nX-Kept: 1\r\n',
    )
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const { status, raw } = await ask(gateway, protocol)
    expect(status).toBe(200)
    expect(valuesOf(raw, 'x-kept')).toEqual(['1'])
    for (const name of ['proxy-connection', 'te', 'upgrade', 'x-hop', 'http2-settings']) {
      expect(valuesOf(raw, name)).toEqual([])
    }
  })

  it('an auth service that says Date twice denies, and ends no thread', async () => {
    const service = await answering(`HTTP/1.1 401 Unauthorized\r\nDate: ${date}\r\nDate: ${date}\r\n`, 'nope')
    const gateway = await startGateway({
      routes: [
        {
          ...proxyTo(service.port),
          guards: {
            auth: { kind: 'forward', url: `http://127.0.0.1:${service.port}/v`, copy: [], timeout: 5_000 },
          },
        },
      ],
    })
    const { status, body, raw } = await ask(gateway, protocol)
    expect({ status, body, dates: valuesOf(raw, 'date') }).toEqual({ status: 401, body: 'nope', dates: [date] })
  })
})
