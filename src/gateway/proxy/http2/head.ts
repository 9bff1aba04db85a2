/** Heads of requests and answers over HTTP/2 (RFC 9113 §8.3). */
import type { Bytes } from '../../../shared/bytes.ts'
import { AnswerFault, UnsendableRequest } from '../client/faults.ts'
import { type RequestHead, token, unsendablePath, unsendableValue } from '../client/request-head.ts'

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

/** Name and value in turn, pseudo-header fields first. Throws an UnsendableRequest. */
export function http2Head({ method, path, headers, body }: RequestHead, scheme: 'http' | 'https'): readonly string[] {
  if (!token.test(method) || path === '' || unsendablePath.test(path))
    throw new UnsendableRequest('invalid method or path')
  let authority = ''
  const fields: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    const value = headers[i + 1] as string
    if (!token.test(name) || unsendableValue.test(value)) throw new UnsendableRequest(`invalid header ${name}`)
    if (name === 'host') authority = value
    else if (!notSent.has(name) && (name !== 'te' || value === 'trailers')) fields.push(name, value)
  }
  if (typeof body === 'number') {
    if (!Number.isSafeInteger(body)) throw new UnsendableRequest('invalid Content-Length')
    fields.push('content-length', String(body))
  }
  return [':method', method, ':scheme', scheme, ':authority', authority, ':path', path, ...fields]
}

export interface ReceivedHead {
  readonly status: number
  /** Name and value in turn, without pseudo-header fields; bytes as latin1. */
  readonly fields: readonly string[]
  readonly size: Bytes
}

/** A head as Node has read it, name and value in turn. Throws an AnswerFault without a valid status. */
export function readHead(raw: readonly string[]): ReceivedHead {
  let status = 0
  const fields: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    const value = raw[i + 1] as string
    if (name === ':status') status = /^[1-9]\d\d$/.test(value) ? Number(value) : 0
    else fields.push(name, value)
  }
  if (status === 0) throw new AnswerFault('it has no valid status')
  return { status, fields, size: sizeOf(fields) }
}

/** As over HTTP/1, where each field has a colon, a blank and a line end. */
export function sizeOf(fields: readonly string[]): Bytes {
  let size = 0
  for (const text of fields) size += text.length + 2
  return size
}
