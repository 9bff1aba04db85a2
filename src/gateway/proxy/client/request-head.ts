/** Serializes the heads of requests to upstreams. */
import type { Bytes } from '../../../shared/bytes.ts'
import { token, unsendableValue } from '../../http1/fields.ts'
import { UnsendableRequest } from './faults.ts'

/** The framing of a request's body; `none`: no body, and no header for one. */
export type RequestBody = Bytes | 'chunked' | 'none'

export interface RequestHead {
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** Name and value in turn. Those that frame the body and the connection are dropped, and written by this module. */
  readonly headers: readonly string[]
  readonly body: RequestBody
  /** What to switch to, as the client named it. */
  readonly upgrade?: string
}

export const unsendablePath = /[^\x21-\x7e\x80-\xff]/

/**
 * The head with its empty line, to be written as latin1. Throws an UnsendableRequest for anything that would end a line
 * early: the parts come from clients, rules and auth services, and a missing check elsewhere must not allow an
 * injection here.
 */
export function requestHead({ method, path, headers, body, upgrade }: RequestHead): string {
  if (!token.test(method) || path === '' || unsendablePath.test(path))
    throw new UnsendableRequest('invalid method or path')
  let head = `${method} ${path} HTTP/1.1\r\n`
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    const value = headers[i + 1] as string
    if (framesMessage(name)) continue
    if (!token.test(name) || unsendableValue.test(value)) throw new UnsendableRequest(`invalid header ${name}`)
    head += `${name}: ${value}\r\n`
  }
  if (typeof body === 'number' && !Number.isSafeInteger(body)) throw new UnsendableRequest('invalid Content-Length')
  if (body === 'chunked') head += 'transfer-encoding: chunked\r\n'
  else if (body !== 'none') head += `content-length: ${body}\r\n`
  if (upgrade === undefined) return `${head}connection: keep-alive\r\n\r\n`
  if (unsendableValue.test(upgrade)) throw new UnsendableRequest('invalid Upgrade')
  return `${head}connection: Upgrade\r\nupgrade: ${upgrade}\r\n\r\n`
}

function framesMessage(name: string): boolean {
  switch (name.length) {
    case 7:
      return name.toLowerCase() === 'upgrade'
    case 10:
      return name.toLowerCase() === 'connection'
    case 14:
      return name.toLowerCase() === 'content-length'
    case 17:
      return name.toLowerCase() === 'transfer-encoding'
    default:
      return false
  }
}
