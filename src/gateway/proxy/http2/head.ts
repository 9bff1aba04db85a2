/** Heads of requests to HTTP/2 upstreams (RFC 9113 §8.3). */
import { token, unsendableValue } from '../../http1/fields.ts'
import { encodeField, encodePseudo } from '../../http2/hpack/encode.ts'
import { UnsendableRequest } from '../client/faults.ts'
import { type RequestHead, unsendablePath } from '../client/request-head.ts'

/** RFC 9113 §8.2.2; and `host`, which is `:authority`. */
const notSent: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** The header block, as latin1. Throws an UnsendableRequest. */
export function http2Head({ method, path, headers, body }: RequestHead, scheme: 'http' | 'https'): string {
  if (!token.test(method) || path === '' || unsendablePath.test(path))
    throw new UnsendableRequest('invalid method or path')
  let authority = ''
  let fields = ''
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    const value = headers[i + 1] as string
    if (!token.test(name) || unsendableValue.test(value)) throw new UnsendableRequest(`invalid header ${name}`)
    if (name === 'host') authority = value
    else if (!notSent.has(name) && (name !== 'te' || value === 'trailers')) fields += encodeField(name, value)
  }
  if (typeof body === 'number') {
    if (!Number.isSafeInteger(body)) throw new UnsendableRequest('invalid Content-Length')
    fields += encodeField('content-length', String(body))
  }
  const first = encodePseudo(':method', method) + encodePseudo(':scheme', scheme)
  return first + encodePseudo(':authority', authority) + encodePseudo(':path', path) + fields
}

/** The header block of trailers, as latin1. Throws an UnsendableRequest. */
export function http2Trailers(fields: readonly string[]): string {
  let block = ''
  for (let i = 0; i < fields.length; i += 2) {
    const name = (fields[i] as string).toLowerCase()
    const value = fields[i + 1] as string
    if (!token.test(name) || unsendableValue.test(value)) throw new UnsendableRequest(`invalid trailer ${name}`)
    block += encodeField(name, value)
  }
  return block
}
