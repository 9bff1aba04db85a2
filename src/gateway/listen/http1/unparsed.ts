/** Bytes on an h1 connection that are not a valid request: too long, too slow, or not HTTP at all. */
import { randomUUID } from 'node:crypto'
import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { messageOf } from '../../../shared/errors.ts'
import type { AccessRecord } from '../../../telemetry/access-log.ts'
import type { Arrival } from '../../request/admit.ts'
import { exchangeOf } from '../../request/exchange.ts'
import type { Refusal } from '../../request/validate-request.ts'
import { sendError } from '../../response/respond.ts'
import type { Listener } from '../listener.ts'
import { expectSurplus, lingerThenClose } from './linger.ts'
import { lastAnswer } from './pipeline.ts'
import { type RequestLine, unknownMethod } from './request-line.ts'

export interface Unparsed {
  readonly listener: Listener
  readonly socket: Socket
  readonly error: Error
}

export type Unreadable = Pick<Arrival, 'request' | 'response'> & { readonly refusal: Refusal }

/** A parser that has failed fails again with every further packet. */
const refused = new WeakSet<Socket>()

/**
 * Closes the connection. Returns a request to be answered first, if the client can still read an answer; or a record
 * for the access log, if the answer to an earlier request is still in flight.
 */
export function refuseUnparsed({ listener, socket, error }: Unparsed): Unreadable | AccessRecord | undefined {
  if (refused.has(socket)) return undefined
  // RFC 9112 §9.6: the client has announced that no request would follow.
  if (codeOf(error) === 'HPE_CLOSED_CONNECTION') {
    expectSurplus(socket)
    return undefined
  }
  const status = statusOf(error)
  if (status === undefined || !socket.writable) {
    socket.destroy()
    return undefined
  }
  refused.add(socket)
  // A connection that was opened in advance, or by a port probe.
  if (status === 408 && socket.bytesRead === 0) {
    socket.destroy()
    return undefined
  }
  const line = lineOf(error)
  const cause = line ? `unknown method ${line.method}` : `unreadable request: ${messageOf(error)}`
  // The only place where Node keeps the answer in flight.
  const answer = (socket as { _httpMessage?: ServerResponse | null })._httpMessage
  if (answer?.req.complete) {
    lastAnswer(socket)?.once('finish', () => lingerThenClose(socket))
  } else if (answer) {
    // It is the body of this request, which may be answered already.
    if (!answer.writableEnded) sendError(exchangeOf(answer.req), status, cause, ['connection', 'close'])
    return undefined
  } else {
    return unreadable(socket, { status: line ? 501 : status, cause }, line)
  }
  return {
    requestId: randomUUID(),
    client: listener.peerOf(socket),
    listener: listener.plan.name,
    protocol: 'h1',
    tls: listener.plan.tls,
    method: line?.method ?? '',
    host: '',
    path: line?.target ?? '(unreadable)',
    status: line ? 501 : status,
    bytes: 0,
    duration: 0,
    error: cause,
  }
}

/** A request of which only `line` is known, ready to be answered like any other. */
function unreadable(socket: Socket, refusal: Refusal, line: RequestLine | undefined): Unreadable {
  const request = Object.assign(new IncomingMessage(socket), {
    method: line?.method ?? '',
    url: line?.target ?? '',
    headers: line?.host === undefined ? {} : { host: line.host },
    httpVersion: '1.1',
    httpVersionMajor: 1,
    httpVersionMinor: 1,
  })
  const response = new ServerResponse(request)
  response.assignSocket(socket)
  response.on('finish', () => lingerThenClose(socket))
  return { request, response, refusal }
}

/** Undefined: the connection failed, not a request on it. */
function statusOf(error: Error): 400 | 408 | 413 | 431 | undefined {
  const code = codeOf(error)
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return 413
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408
  // The connection ended in the middle of a request: the client is gone.
  if (code === 'HPE_INVALID_EOF_STATE') return undefined
  return code.startsWith('HPE_') ? 400 : undefined
}

function codeOf(error: Error): string {
  return String((error as { code?: unknown }).code)
}

const methodErrors = new Set(['HPE_INVALID_METHOD', 'HPE_INVALID_CONSTANT', 'HPE_INVALID_VERSION'])

/** RFC 9110 §9.1: an unknown method is answered with 501, and logged by its name. */
function lineOf(error: Error): RequestLine | undefined {
  const { rawPacket, bytesParsed } = error as { rawPacket?: unknown; bytesParsed?: unknown }
  if (!methodErrors.has(codeOf(error)) || !Buffer.isBuffer(rawPacket) || typeof bytesParsed !== 'number')
    return undefined
  return unknownMethod(rawPacket, bytesParsed)
}
