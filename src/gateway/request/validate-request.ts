/**
 * Checks for what the parsers accept and another parser might read differently. The parsers refuse most
 * ambiguous requests; these checks cover the rest, so that the upstream sees the request that the client sent.
 */
import { announcesBody, type GatewayRequest } from './exchange.ts'
import type { Refusal } from './refusal.ts'

/** Why no upstream may see a request with this head; undefined if it may. */
export function refusalOf(request: GatewayRequest): Refusal | undefined {
  return ('stream' in request ? refusalOfH2(request) : refusalOfH1(request)) ?? refusalOfAny(request)
}

function refusalOfH1(request: GatewayRequest): Refusal | undefined {
  const { httpVersion, headers } = request
  // The parser reads any version, so that the answer can say what is wrong.
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return { status: 505, cause: `unsupported version HTTP/${httpVersion}` }
  const coding = headers['transfer-encoding']
  if (coding !== undefined) {
    // RFC 9112 §6.1: an HTTP/1.0 message with Transfer-Encoding has faulty framing.
    if (httpVersion === '1.0') return { status: 400, cause: 'Transfer-Encoding in HTTP/1.0' }
    // The body is sent on in new chunks, so any other coding would be lost, and the body would change its meaning.
    if (coding.toLowerCase() !== 'chunked') return { status: 501, cause: 'unsupported transfer coding' }
  }
  return undefined
}

function refusalOfH2(request: GatewayRequest): Refusal | undefined {
  const { headers } = request
  const { host } = headers
  const authority = headers[':authority']
  // RFC 9113 §8.3.1. They must agree: a check of one must not be bypassed by the other.
  if (host !== undefined && authority !== undefined && host.toLowerCase() !== String(authority).toLowerCase()) {
    return { status: 400, cause: 'Host and :authority differ' }
  }
  return undefined
}

function refusalOfAny(request: GatewayRequest): Refusal | undefined {
  const { expect } = request.headers
  if (expect !== undefined && !/^100-continue$/i.test(expect)) {
    return { status: 417, cause: 'unknown expectation (RFC 9110 §10.1.1)' }
  }
  // Its answer would echo the body (RFC 9110 §9.3.8).
  if (request.method === 'TRACE' && announcesBody(request)) return { status: 400, cause: 'TRACE with a body' }
  return undefined
}
