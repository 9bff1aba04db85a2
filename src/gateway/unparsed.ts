/** What came over an h1 connection and cannot be read as a request: too long, too slow, or not HTTP at all. */
import { randomUUID } from 'node:crypto'
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { messageOf } from '../shared/errors.ts'
import type { AccessRecord } from '../telemetry/access-log.ts'
import { exchangeOf } from './exchange.ts'
import type { Listener } from './listener.ts'
import { sendError } from './respond.ts'

export interface Unparsed {
  readonly listener: Listener
  readonly socket: Socket
  readonly error: Error
}

/** A parser that has failed fails again with every packet that still comes. */
const refused = new WeakSet<Socket>()

/** Answers, if the client can still read an answer, and closes. Returns what the access log is to tell, if no exchange does. */
export function refuseUnparsed({ listener, socket, error }: Unparsed): AccessRecord | undefined {
  const status = statusOf(error)
  if (status === undefined || !socket.writable) {
    socket.destroy()
    return undefined
  }
  if (refused.has(socket)) return undefined
  refused.add(socket)
  // A connection that was opened ahead of need, or by a probe of the port.
  if (status === 408 && socket.bytesRead === 0) {
    socket.destroy()
    return undefined
  }
  const cause = `unreadable request: ${messageOf(error)}`
  // The only place where Node keeps the answer that is under way on a socket.
  const answer = (socket as { _httpMessage?: ServerResponse | null })._httpMessage
  if (answer?.req.complete) {
    answer.once('finish', () => socket.destroySoon())
  } else if (answer) {
    // It was the body of this one's request.
    sendError(exchangeOf(answer.req), status, cause, ['connection', 'close'])
    return undefined
  } else {
    const text = `${status} ${STATUS_CODES[status]}`
    socket.end(
      `HTTP/1.1 ${text}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length + 1}\r\n` +
        `Connection: close\r\n\r\n${text}\n`,
      () => socket.destroy(),
    )
  }
  return {
    requestId: randomUUID(),
    client: listener.peerOf(socket),
    listener: listener.plan.name,
    protocol: 'h1',
    tls: listener.plan.tls,
    method: '',
    host: '',
    path: '(unreadable)',
    status,
    bytes: 0,
    duration: 0,
    error: cause,
  }
}

/** Undefined: it was the connection that failed, not what came over it. */
function statusOf(error: Error): 400 | 408 | 413 | 431 | undefined {
  const code = String((error as { code?: unknown }).code)
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return 413
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408
  // The end of the connection in the midst of a request: its client is gone.
  if (code === 'HPE_INVALID_EOF_STATE') return undefined
  return code.startsWith('HPE_') ? 400 : undefined
}
