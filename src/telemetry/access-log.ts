import type { Bytes } from '../shared/bytes.ts'
import type { Logger } from './logger.ts'

/** The log record of a request, written when it is over. Without the query, which often contains tokens. */
export interface AccessRecord {
  readonly requestId: string
  /** The id that is always generated here, if the config asks for one. */
  readonly internalId?: string
  /** Address of the client. */
  readonly client: string
  readonly listener: string
  readonly protocol: 'h1' | 'h2' | 'websocket'
  readonly tls: boolean
  readonly method: string
  readonly host: string
  readonly path: string
  /** 499: the client disconnected before the response was complete. */
  readonly status: number
  /** Bytes of the body that were sent, as far as they are known. */
  readonly bytes: number
  /** Milliseconds from the head of the request to the end of the response. */
  readonly duration: number
  readonly route?: string
  readonly userAgent?: string
  /** Why the gateway answered with an error of its own; never sent to the client. */
  readonly error?: string
}

export type AccessLog = (record: AccessRecord) => void

export function createAccessLog(logger: Logger): AccessLog {
  const lines = new AccessLines()
  return (record) => {
    const now = Date.now()
    if (!logger.encode(record, lines.prepare(record, now), lines.encode)) logger.line(accessLine(record, now))
  }
}

/** One JSON line with its line feed, the fields in the order of the record. `now`: milliseconds since 1970. */
export function accessLine(record: AccessRecord, now: number): string {
  const { requestId, internalId, client, listener, protocol, tls, method, host, path } = record
  const { status, bytes, duration, route, userAgent, error } = record
  const begin = { level: 'info', time: new Date(now).toISOString(), process: 'gateway', requestId, internalId }
  const source = { client, listener, protocol, tls, method, host, path }
  const end = { status, bytes, duration, route, userAgent, error, message: 'request' }
  return `${JSON.stringify({ ...begin, ...source, ...end })}\n`
}

/**
 * Encodes the same lines much faster, as there is one for each request: most of the fields are those of the request
 * before, and are encoded once, and most of the others need no escaping.
 */
export class AccessLines {
  #now = Number.NaN
  #begin = encoded('')
  /** The record from which each part was made. */
  #ofSource: AccessRecord | undefined
  #source = encoded('')
  #ofEnd: AccessRecord | undefined
  #end = encoded('')

  /** To be called before `encode`, with the same record; returns the most bytes that its line may have. */
  prepare(record: AccessRecord, now: number): Bytes {
    if (now !== this.#now) {
      this.#now = now
      this.#begin = encoded(`{"level":"info","time":"${new Date(now).toISOString()}","process":"gateway","requestId":"`)
    }
    if (!this.#ofSource || !sameSource(record, this.#ofSource)) {
      this.#ofSource = record
      this.#source = encoded(sourceOf(record))
    }
    if (!this.#ofEnd || !sameEnd(record, this.#ofEnd)) {
      this.#ofEnd = record
      this.#end = encoded(endOf(record))
    }
    const texts = record.requestId.length + (record.internalId?.length ?? 0) + record.path.length
    return this.#begin.length + this.#source.length + this.#end.length + texts + mostOfTheRest
  }

  /** See `Encode`. */
  readonly encode = (record: AccessRecord, buffer: Uint8Array, start: number): number => {
    const { requestId, internalId, path, status, bytes, duration } = record
    buffer.set(this.#begin, start)
    let at = putText(requestId, buffer, start + this.#begin.length)
    if (internalId !== undefined) at = putText(internalId, buffer, put(beforeInternalId, buffer, at))
    if (at < 0) return -1
    buffer.set(this.#source, at)
    at = putText(path, buffer, at + this.#source.length)
    at = putInteger(status, buffer, put(beforeStatus, buffer, at))
    at = putInteger(bytes, buffer, put(beforeBytes, buffer, at))
    at = putTenths(duration, buffer, put(beforeDuration, buffer, at))
    if (at < 0) return -1
    buffer.set(this.#end, at)
    return at + this.#end.length
  }
}

const beforeInternalId = encoded('","internalId":"')
const beforeStatus = encoded('","status":')
const beforeBytes = encoded(',"bytes":')
const beforeDuration = encoded(',"duration":')
/** The names above, and three numbers. */
const mostOfTheRest: Bytes = 128

function encoded(text: string): Uint8Array {
  return Buffer.from(text)
}

function sameSource(one: AccessRecord, other: AccessRecord): boolean {
  return (
    one.client === other.client &&
    one.host === other.host &&
    one.method === other.method &&
    one.listener === other.listener &&
    one.protocol === other.protocol &&
    one.tls === other.tls
  )
}

/** What is between the ids and the path, both quotation marks included. */
function sourceOf({ client, listener, protocol, tls, method, host }: AccessRecord): string {
  return `",${JSON.stringify({ client, listener, protocol, tls, method, host }).slice(1, -1)},"path":"`
}

function sameEnd(one: AccessRecord, other: AccessRecord): boolean {
  return one.route === other.route && one.userAgent === other.userAgent && one.error === other.error
}

function endOf({ route, userAgent, error }: AccessRecord): string {
  return `,${JSON.stringify({ route, userAgent, error, message: 'request' }).slice(1)}\n`
}

// Each of these returns where it ends; a negative `at` stays negative.

function put(bytes: Uint8Array, buffer: Uint8Array, at: number): number {
  if (at < 0) return at
  for (let index = 0; index < bytes.length; index += 1) buffer[at + index] = bytes[index] as number
  return at + bytes.length
}

/** Negative if the text has a character that JSON escapes, or that takes more than a byte. */
function putText(text: string, buffer: Uint8Array, at: number): number {
  if (at < 0) return at
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return -1
    buffer[at + index] = code
  }
  return at + text.length
}

/** Negative if the number is, or if it has a fraction or is beyond what is exact. */
function putInteger(number: number, buffer: Uint8Array, at: number): number {
  if (at < 0 || number < 0 || !Number.isSafeInteger(number)) return -1
  let end = at + 1
  for (let power = 10; power <= number; power *= 10) end += 1
  for (let left = number, index = end - 1; index >= at; index -= 1) {
    const tenth = Math.floor(left / 10)
    buffer[index] = 0x30 + (left - tenth * 10)
    left = tenth
  }
  return end
}

/** The same for a number that has at most one digit after its point. */
function putTenths(number: number, buffer: Uint8Array, at: number): number {
  const tenths = Math.round(number * 10)
  if (tenths / 10 !== number || !Number.isSafeInteger(tenths)) return -1
  const whole = Math.floor(tenths / 10)
  const end = putInteger(whole, buffer, at)
  const digit = tenths - whole * 10
  if (digit === 0 || end < 0) return end
  buffer[end] = 0x2e
  buffer[end + 1] = 0x30 + digit
  return end + 2
}
