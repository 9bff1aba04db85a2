/** HTTP/1 connections: pipelining, upgrades, and a close that loses no answer. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Http2SecureServer } from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import type { UpgradeRequest } from '../../request/exchange.ts'
import { HalfClosed } from './half-close.ts'
import { closeGently } from './linger.ts'
import { type Begin, hasWaiting, isPipelined, lastAnswer, Pipelines, restartHeaderTimeout } from './pipeline.ts'
import { spreadOverTurns } from './spread-over-turns.ts'

export interface Http1Events {
  request: Begin
  /** Also for CONNECT. */
  upgrade(request: IncomingMessage, upgrade: UpgradeRequest): void
  /** The bytes are not a valid request. May be called repeatedly for the same socket. */
  unparsed(socket: Socket, error: Error): void
  /** A client has pipelined too many requests; its connection is closed already. */
  flooded(): void
  headerTimeout(): Milliseconds
}

/** Returns the function that takes the server's HTTP/1 requests. */
export function serveHttp1(server: Server | Http2SecureServer, events: Http1Events): Begin {
  const halfClosed = new HalfClosed()
  const pipelines = new Pipelines((socket) => {
    socket.destroy()
    events.flooded()
  })
  // The end of a client's side ends no answer; only WebSocket is tunnelled, not h2c or other protocols.
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
  const overdue = spreadOverTurns(([error, socket]: [Error, Socket]) => events.unparsed(socket, error))
  server.on('clientError', (error: Error, socket: Socket) => {
    if ((error as { code?: unknown }).code !== 'ERR_HTTP_REQUEST_TIMEOUT') events.unparsed(socket, error)
    else if (!hasWaiting(socket)) overdue([error, socket])
    else restartHeaderTimeout(socket, events.headerTimeout(), () => overdue([error, socket]))
  })
  return (request: IncomingMessage, response: ServerResponse) => pipelines.take(request, response, events.request)
}

/**
 * A handshake has no body (RFC 6455 §4.1). One that announces a body is treated as a plain request: Node would hand
 * over a stream that is no socket, with the body still unread. So is a pipelined one (RFC 9110 §7.8 allows to ignore
 * the upgrade).
 */
function isWebSocket({ method, headers, httpVersion, socket }: IncomingMessage): boolean {
  if (method !== 'GET' || httpVersion !== '1.1' || headers.upgrade?.toLowerCase() !== 'websocket') return false
  if (isPipelined(socket)) return false
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0
}
