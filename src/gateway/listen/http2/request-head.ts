/** Heads of requests over HTTP/2, held to the rules of RFC 9113 §8.1 to §8.3. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Bytes } from '../../../shared/bytes.ts'
import type { ReadHead } from '../http1/request.ts'

export interface Http2Head extends ReadHead {
  /** Of the body by its Content-Length; undefined if it does not say. */
  readonly length: Bytes | undefined
}

/** RFC 9113 §8.2.2. */
const forbidden: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** They would change how the request is read. */
const framing: ReadonlySet<string> = new Set([...forbidden, 'content-length', 'host', 'te'])

/** Of several the first counts, as over HTTP/1; the values of others are joined. */
const singleValued: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'date',
  'etag',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'user-agent',
])

const upperCase = /[A-Z]/
const validName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
const invalidValue = /[^\t\x20-\x7e\x80-\xff]|^[\t ]|[\t ]$/
const validMethod = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const validScheme = /^[A-Za-z][A-Za-z0-9+.-]*$/
const validPath = /^[\x21-\x7e\x80-\xff]+$/
/** RFC 9113 §8.3.1: without user information. */
const validAuthority = /^[A-Za-z0-9\-._~!$&'()*+,;=%:[\]]+$/

/** As it was decoded, name and value in turn; undefined if it is malformed. */
export function readRequestHead(raw: readonly string[]): Http2Head | undefined {
  const pseudo: Record<string, string | undefined> = Object.create(null)
  let at = 0
  for (; at < raw.length && (raw[at] as string).startsWith(':'); at += 2) {
    const name = raw[at] as string
    if (pseudo[name] !== undefined || !isValidPseudo(name, raw[at + 1] as string)) return undefined
    pseudo[name] = raw[at + 1]
  }
  const headers: IncomingHttpHeaders = Object.assign(Object.create(null), pseudo)
  const rawHeaders = raw.slice(0, at)
  let length: Bytes | undefined
  for (; at < raw.length; at += 2) {
    const name = raw[at] as string
    const value = raw[at + 1] as string
    if (!validName.test(name)) {
      if (name.startsWith(':') || upperCase.test(name)) return undefined
      continue
    }
    if (forbidden.has(name) || (name === 'te' && value.toLowerCase() !== 'trailers')) return undefined
    if (name === 'host' && (headers.host !== undefined || value === '')) return undefined
    if (name === 'content-length') {
      if (length !== undefined || !/^\d{1,15}$/.test(value)) return undefined
      length = Number(value)
    } else if (invalidValue.test(value) || (name === 'host' && !validAuthority.test(value))) continue
    rawHeaders.push(name, value)
    append(headers, name, value)
  }
  const { ':method': method, ':scheme': scheme, ':path': path, ':authority': authority } = pseudo
  if (method === undefined || (authority === undefined && headers.host === undefined)) return undefined
  if (method === 'CONNECT') {
    if (scheme !== undefined || path !== undefined || authority === undefined) return undefined
  } else {
    if (scheme === undefined || path === undefined) return undefined
    const ofHttp = /^https?$/i.test(scheme)
    if (ofHttp && !path.startsWith('/') && !(method === 'OPTIONS' && path === '*')) return undefined
  }
  return { method, target: path ?? authority ?? '', version: '2.0', headers, rawHeaders, length }
}

/** Trailers, name and value in turn; undefined if they are malformed. */
export function readRequestTrailers(raw: readonly string[]): string[] | undefined {
  const trailers: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string
    const value = raw[at + 1] as string
    if (name.startsWith(':') || upperCase.test(name) || framing.has(name)) return undefined
    if (validName.test(name) && !invalidValue.test(value)) trailers.push(name, value)
  }
  return trailers
}

function isValidPseudo(name: string, value: string): boolean {
  switch (name) {
    case ':method':
      return validMethod.test(value)
    case ':scheme':
      return validScheme.test(value)
    case ':path':
      return validPath.test(value)
    case ':authority':
      return validAuthority.test(value)
    default:
      return false
  }
}

function append(headers: IncomingHttpHeaders, name: string, value: string): void {
  const before = headers[name]
  if (before === undefined) headers[name] = name === 'set-cookie' ? [value] : value
  else if (Array.isArray(before)) before.push(value)
  else if (name === 'cookie') headers[name] = `${before}; ${value}`
  else if (!singleValued.has(name)) headers[name] = `${before}, ${value}`
}
