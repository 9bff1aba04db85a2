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
  return (record) => logger.line(lines.line(record, Date.now()))
}

/**
 * Makes the line of each record: JSON with its line feed, the fields in the order of the record. Written here and not
 * by pino: it is one for each request, most of its values need no escaping, and most are those of the request before.
 */
export class AccessLines {
  #now = Number.NaN
  #begin = ''
  /** The last record from which each part was made. */
  #ofSource: AccessRecord | undefined
  #source = ''
  #ofEnd: AccessRecord | undefined
  #end = ''

  /** `now`: milliseconds since 1970. */
  line(record: AccessRecord, now: number): string {
    const { requestId, internalId, path, status, bytes, duration } = record
    if (now !== this.#now) {
      this.#now = now
      this.#begin = `{"level":"info","time":"${new Date(now).toISOString()}","process":"gateway","requestId":`
    }
    if (!this.#ofSource || !sameSource(record, this.#ofSource)) {
      this.#ofSource = record
      this.#source = sourceOf(record)
    }
    if (!this.#ofEnd || !sameEnd(record, this.#ofEnd)) {
      this.#ofEnd = record
      this.#end = endOf(record)
    }
    const ids = internalId === undefined ? quoted(requestId) : `${quoted(requestId)},"internalId":${quoted(internalId)}`
    const figures = `,"status":${status},"bytes":${bytes},"duration":${duration}`
    return this.#begin + ids + this.#source + quoted(path) + figures + this.#end
  }
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

function sourceOf({ client, listener, protocol, tls, method, host }: AccessRecord): string {
  return (
    `,"client":${quoted(client)},"listener":${quoted(listener)},"protocol":"${protocol}","tls":${tls}` +
    `,"method":${quoted(method)},"host":${quoted(host)},"path":`
  )
}

function sameEnd(one: AccessRecord, other: AccessRecord): boolean {
  return one.route === other.route && one.userAgent === other.userAgent && one.error === other.error
}

function endOf({ route, userAgent, error }: AccessRecord): string {
  return (
    (route === undefined ? '' : `,"route":${quoted(route)}`) +
    (userAgent === undefined ? '' : `,"userAgent":${quoted(userAgent)}`) +
    (error === undefined ? '' : `,"error":${quoted(error)}`) +
    ',"message":"request"}\n'
  )
}

/** What JSON escapes, and what it may (surrogates); JSON.stringify costs several times as much as this test. */
const special = /[^\x20\x21\x23-\x5b\x5d-\x7e]/

function quoted(text: string): string {
  return special.test(text) ? JSON.stringify(text) : `"${text}"`
}
