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
  return (record) => logger.line(accessLine(record, timeOf(Date.now())))
}

/**
 * One JSON line with its line feed, the fields in the order of the record. Written here and not by pino: it is one for
 * each request, and most of its values need no escaping.
 */
export function accessLine(record: AccessRecord, time: string): string {
  const { requestId, internalId, client, listener, protocol, tls, method, host, path } = record
  const { status, bytes, duration, route, userAgent, error } = record
  return (
    `{"level":"info","time":"${time}","process":"gateway","requestId":${quoted(requestId)}` +
    (internalId === undefined ? '' : `,"internalId":${quoted(internalId)}`) +
    `,"client":${quoted(client)},"listener":${quoted(listener)},"protocol":"${protocol}","tls":${tls}` +
    `,"method":${quoted(method)},"host":${quoted(host)},"path":${quoted(path)}` +
    `,"status":${status},"bytes":${bytes},"duration":${duration}` +
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

let lastTime = 0
let lastText = ''

/** ISO 8601. Many requests end in the same millisecond. */
function timeOf(now: number): string {
  if (now !== lastTime) {
    lastTime = now
    lastText = new Date(now).toISOString()
  }
  return lastText
}
