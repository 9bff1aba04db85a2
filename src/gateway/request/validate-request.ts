/**
 * What the parsers let through and another reader might read differently. node:http and nghttp2 refuse most of what is
 * ambiguous; these are the rest, so that a request that we pass on is the one that the client sent.
 */
import { announcesBody, type GatewayRequest } from './exchange.ts'

/** What is wrong with a request that gets no further. */
export interface Refusal {
  readonly status: 400 | 408 | 413 | 417 | 431 | 501 | 505
  readonly cause: string
}

/** Why no upstream may see a request with this head. */
export function flawOf(request: GatewayRequest): Refusal | undefined {
  return ('stream' in request ? flawOfH2(request) : flawOfH1(request)) ?? flawOfAny(request)
}

function flawOfH1(request: GatewayRequest): Refusal | undefined {
  const { httpVersion, headers } = request
  // llhttp reads HTTP/0.9 and HTTP/2.0 on a request line as well.
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return { status: 505, cause: `HTTP/${httpVersion} over h1` }
  const coding = headers['transfer-encoding']
  if (coding !== undefined) {
    // RFC 9112 §6.1: an HTTP/1.0 message with Transfer-Encoding has faulty framing.
    if (httpVersion === '1.0') return { status: 400, cause: 'Transfer-Encoding in HTTP/1.0' }
    // We send chunks of our own, so any other coding would be lost on the way, and the body would mean something else.
    if (coding.toLowerCase() !== 'chunked') return { status: 501, cause: 'a transfer coding other than chunked' }
  }
  return undefined
}

function flawOfH2(request: GatewayRequest): Refusal | undefined {
  const { headers } = request
  const { host } = headers
  const authority = headers[':authority']
  // RFC 9113 §8.3.1. They are not merged: whoever checks the one must not be led past by the other.
  if (host !== undefined && authority !== undefined && host.toLowerCase() !== String(authority).toLowerCase()) {
    return { status: 400, cause: 'Host is not :authority' }
  }
  return undefined
}

function flawOfAny(request: GatewayRequest): Refusal | undefined {
  const { expect } = request.headers
  if (expect !== undefined && !/^100-continue$/i.test(expect)) {
    return { status: 417, cause: 'an unknown expectation (RFC 9110 §10.1.1)' }
  }
  // Its answer shows what arrived, the body included (RFC 9110 §9.3.8).
  if (request.method === 'TRACE' && announcesBody(request)) return { status: 400, cause: 'TRACE with a body' }
  return undefined
}
