/** Connections over HTTP/1: one request at a time, and an end that loses no answer. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Http2SecureServer } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import type { UpgradeRequest } from '../../request/exchange.ts'
import { HalfClosed } from './half-close.ts'
import { inTurns } from './in-turns.ts'
import { closeGently } from './linger.ts'
import { type Begin, hasWaiting, isPipelined, lastAnswer, Pipelines, whenLateAgain } from './pipeline.ts'

export interface Http1Events {
  request: Begin
  /** Also for CONNECT. */
  upgrade(request: IncomingMessage, upgrade: UpgradeRequest): void
  /** What came cannot be read as a request. May be told again of the same socket. */
  unparsed(socket: Socket, error: Error): void
  /** A client has sent more requests ahead than can be kept; its connection is gone. */
  flooded(): void
  headerTimeout(): Milliseconds
}

/** Returns what the server's requests over HTTP/1 are to be given to. */
export function serveHttp1(server: Server | Http2SecureServer, events: Http1Events): Begin {
  const halfClosed = new HalfClosed()
  const pipelines = new Pipelines((socket) => {
    socket.destroy()
    events.flooded()
  })
  // The end of a client's side ends no answer; h2c and other protocols are not ours to tunnel.
  Object.assign(server, { httpAllowHalfOpen: true, shouldUpgradeCallback: isWebSocket })
  const opened = (socket: Socket) => {
    closeGently(socket)
    halfClosed.watch(socket)
  }
  if ('setSecureContext' in server) {
    server.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol === 'h2') return
      socket.allowHalfOpen = true
      opened(socket)
    })
  } else {
    server.on('connection', opened)
  }
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
    events.upgrade(request, { socket, head }),
  )
  server.on('connect', (request: IncomingMessage | object, socket: Socket, head: Buffer) => {
    if ('stream' in request) return
    const connect = () => events.upgrade(request as IncomingMessage, { socket, head })
    const before = lastAnswer(socket)
    if (before) before.once('close', connect)
    else connect()
  })
  const overdue = inTurns(([error, socket]: [Error, Socket]) => events.unparsed(socket, error))
  server.on('clientError', (error: Error, socket: Socket) => {
    if ((error as { code?: unknown }).code !== 'ERR_HTTP_REQUEST_TIMEOUT') events.unparsed(socket, error)
    else if (!hasWaiting(socket)) overdue([error, socket])
    else whenLateAgain(socket, events.headerTimeout(), () => overdue([error, socket]))
  })
  return (request: IncomingMessage, response: ServerResponse) => pipelines.take(request, response, events.request)
}

/**
 * A handshake has no body (RFC 6455 §4.1). One that announces a body is answered as a plain request: Node would hand it over
 * with a stream that is no socket in place of the connection, and with the body still to be read. So is one that comes while
 * an earlier request of its connection is not answered (RFC 9110 §7.8 lets us ignore the wish).
 */
function isWebSocket({ method, headers, httpVersion, socket }: IncomingMessage): boolean {
  if (method !== 'GET' || httpVersion !== '1.1' || headers.upgrade?.toLowerCase() !== 'websocket') return false
  if (isPipelined(socket)) return false
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
}
