/** Heads and trailers of answers over HTTP/2, held to the rules of RFC 9113 §8.1 to §8.3. */
import type { Bytes } from '../../../shared/bytes.ts'
import { errorCodes } from '../../http2/error-codes.ts'
import { StreamReset } from './faults.ts'

export interface ReceivedHead {
  readonly status: number
  /** Name and value in turn, without pseudo-header fields; bytes as latin1. */
  readonly fields: string[]
  /** Of the body by its Content-Length; undefined if it does not say. */
  readonly length: Bytes | undefined
  readonly size: Bytes
}

/** RFC 9113 §8.2.2. */
const forbidden: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

const upperCase = /[A-Z]/
const validName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
/** RFC 9113 §8.2.1, and other control characters. */
const invalidValue = /[^\t\x20-\x7e\x80-\xff]|^[\t ]|[\t ]$/

/** A head as it was decoded, name and value in turn. Throws a StreamReset if it is malformed. */
export function readHead(raw: readonly string[]): ReceivedHead {
  const digits = raw[1]
  if (raw[0] !== ':status' || digits === undefined || !/^[1-9]\d\d$/.test(digits))
    throw malformed('it has no valid status')
  const status = Number(digits)
  let length: Bytes | undefined
  const fields = readFields(raw, 2, (value) => {
    if (length !== undefined || !/^\d{1,15}$/.test(value)) throw malformed('invalid Content-Length')
    length = Number(value)
    // RFC 9110 §8.6.
    if (status >= 200 && status !== 204) return true
    if (length !== 0) throw malformed(`a body with status ${status}`)
    return false
  })
  return { status, fields, length, size: sizeOf(fields) }
}

/** Trailers, name and value in turn. Throws a StreamReset if they are malformed. */
export function readTrailers(raw: readonly string[]): string[] {
  return readFields(raw, 0, () => true)
}

/** Fields that no client must get are left out, rather than fail the answer. `keepLength`: of a Content-Length. */
function readFields(raw: readonly string[], from: number, keepLength: (value: string) => boolean): string[] {
  const fields: string[] = []
  for (let i = from; i < raw.length; i += 2) {
    const name = raw[i] as string
    const value = raw[i + 1] as string
    if (!validName.test(name)) {
      if (name.startsWith(':') || upperCase.test(name)) throw malformed('an invalid field name')
      continue
    }
    if (forbidden.has(name)) throw malformed(`a field of the connection: ${name}`)
    if (invalidValue.test(value)) continue
    if (name.length !== 14 || name !== 'content-length' || keepLength(value)) fields.push(name, value)
  }
  return fields
}

/** As over HTTP/1, where each field has a colon, a blank and a line end. */
export function sizeOf(fields: readonly string[]): Bytes {
  let size = 0
  for (const text of fields) size += text.length + 2
  return size
}

export function malformed(what: string): StreamReset {
  return new StreamReset(errorCodes.PROTOCOL_ERROR, what)
}
