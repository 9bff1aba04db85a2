import type { IncomingHttpHeaders } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { GatewayRequest } from '../../../src/gateway/request/exchange.ts'
import { refusalOf } from '../../../src/gateway/request/validate-request.ts'

/** Over HTTP/1.1, unless the options says otherwise. */
function h1(headers: IncomingHttpHeaders, options: Partial<{ httpVersion: string; method: string }> = {}) {
  return { httpVersion: '1.1', method: 'GET', headers, ...options } as GatewayRequest
}

function h2(headers: IncomingHttpHeaders, options: { readonly method?: string; readonly body?: boolean } = {}) {
  const { method = 'GET', body = false } = options
  return { httpVersion: '2.0', method, headers, stream: { endAfterHeaders: !body } } as unknown as GatewayRequest
}

describe('a request head', () => {
  test.each([
    ['HTTP/1.1', h1({})],
    ['HTTP/1.0', h1({}, { httpVersion: '1.0' })],
    ['HTTP/2', h2({})],
    ['a body in chunks', h1({ 'transfer-encoding': 'chunked' })],
    ['the coding in capitals', h1({ 'transfer-encoding': 'Chunked' })],
    ['the expectation that every client may have', h1({ expect: '100-Continue' })],
    ['the same over HTTP/2', h2({ expect: '100-continue' })],
    ['a TRACE without a body', h1({ 'content-length': '0' }, { method: 'TRACE' })],
    ['a body', h1({ 'content-length': '5' }, { method: 'POST' })],
    ['an authority alone', h2({ ':authority': 'a.example' })],
    ['a host alone', h2({ host: 'a.example' })],
    ['a host and an authority that agree', h2({ host: 'A.example', ':authority': 'a.Example' })],
  ])('with %s is accepted', (_, request) => {
    expect(refusalOf(request)).toBeUndefined()
  })

  test.each([
    ['HTTP/0.9', 505, 'unsupported version HTTP/0.9', h1({}, { httpVersion: '0.9' })],
    ['HTTP/2.0 on a request line', 505, 'unsupported version HTTP/2.0', h1({}, { httpVersion: '2.0' })],
    [
      'Transfer-Encoding in HTTP/1.0',
      400,
      'Transfer-Encoding in HTTP/1.0',
      h1({ 'transfer-encoding': 'chunked' }, { httpVersion: '1.0' }),
    ],
    ['another coding', 501, 'unsupported transfer coding', h1({ 'transfer-encoding': 'gzip' })],
    ['a coding before the chunks', 501, 'unsupported transfer coding', h1({ 'transfer-encoding': 'gzip, chunked' })],
    ['no coding', 501, 'unsupported transfer coding', h1({ 'transfer-encoding': '' })],
    [
      'a host that is not the authority',
      400,
      'Host and :authority differ',
      h2({ host: 'a.example', ':authority': 'b.example' }),
    ],
    ['another expectation', 417, 'unknown expectation (RFC 9110 §10.1.1)', h1({ expect: 'a-miracle' })],
    ['one expectation more', 417, 'unknown expectation (RFC 9110 §10.1.1)', h1({ expect: '100-continue, x' })],
    ['one expectation before it', 417, 'unknown expectation (RFC 9110 §10.1.1)', h1({ expect: 'x 100-continue' })],
    ['another expectation over HTTP/2', 417, 'unknown expectation (RFC 9110 §10.1.1)', h2({ expect: 'x' })],
    ['a TRACE with a body', 400, 'TRACE with a body', h1({ 'content-length': '1' }, { method: 'TRACE' })],
    ['a TRACE with a body over HTTP/2', 400, 'TRACE with a body', h2({}, { method: 'TRACE', body: true })],
  ])('with %s is refused with %i', (_, status, cause, request) => {
    expect(refusalOf(request)).toEqual({ status, cause })
  })
})
