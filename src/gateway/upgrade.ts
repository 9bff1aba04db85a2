/**
 * WebSocket upgrades: the handshake is passed on with every header and subprotocol as it came, then bytes flow both
 * ways with backpressure, unread. (Re-framing messages would lose compression, limits and order of pings.)
 */
import { request as httpRequest, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { ProxyPlan } from '../plan/types.ts'
import { messageOf } from '../shared/errors.ts'
import type { Exchange } from './exchange.ts'
import { answerHeaders, upstreamHeaders } from './request-headers.ts'
import { finalHeaders, sendError, sendHead } from './respond.ts'

/** Below the 60 s after which load balancers forget an idle connection, so that a vanished peer is found. */
const keepAliveDelay = 45_000

export function tunnel(exchange: Exchange, upgrade: { socket: Socket; head: Buffer }, plan: ProxyPlan): void {
  const { request, target } = exchange
  const headers = upstreamHeaders(exchange)
  headers.push('connection', 'Upgrade', 'upgrade', request.headers.upgrade ?? 'websocket')
  const send = plan.origin.startsWith('https:') ? httpsRequest : httpRequest
  const { hostname, port } = new URL(plan.origin)
  const handshake = send({
    host: hostname.replace(/^\[|\]$/g, ''),
    port,
    method: request.method,
    path: target.path + target.query,
    headers,
    agent: false,
    timeout: plan.timeouts.response,
  })
  const timer = setTimeout(
    () => handshake.destroy(new Error('no answer to the upgrade in time')),
    plan.timeouts.response,
  )
  exchange.onClientGone(() => handshake.destroy())
  handshake.on('close', () => clearTimeout(timer))
  handshake.on('upgrade', (answer, upstream, head) => {
    clearTimeout(timer)
    join(exchange, upgrade, { answer, socket: upstream as Socket, head })
  })
  handshake.on('response', (answer) => {
    clearTimeout(timer)
    relay(exchange, answer)
  })
  handshake.on('error', (error) => {
    if (!exchange.over && !exchange.response.headersSent) sendError(exchange, 502, `upstream: ${messageOf(error)}`)
  })
  handshake.end()
}

/** An answer other than 101 is the client's to read; afterwards both connections are closed. */
function relay(exchange: Exchange, answer: IncomingMessage): void {
  const { response } = exchange
  sendHead(exchange, answer.statusCode ?? 502, [...answerHeaders(answer.rawHeaders), 'connection', 'close'])
  answer.on('data', (chunk: Buffer) => {
    exchange.bytesSent += chunk.length
    if (!response.write(chunk)) {
      answer.pause()
      response.once('drain', () => answer.resume())
    }
  })
  answer.on('end', () => response.end())
  answer.on('error', () => response.destroy())
}

interface Peer {
  readonly answer: IncomingMessage
  readonly socket: Socket
  readonly head: Buffer
}

function join(exchange: Exchange, client: { socket: Socket; head: Buffer }, upstream: Peer): void {
  const { socket } = client
  const { answer } = upstream
  ;(exchange.response as ServerResponse).detachSocket(socket)
  exchange.upgraded = true
  const headers = finalHeaders(exchange, answerHeaders(answer.rawHeaders))
  headers.push('Connection', 'Upgrade', 'Upgrade', answer.headers.upgrade ?? 'websocket')
  let head = `HTTP/1.1 101 ${STATUS_CODES[101]}\r\n`
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  for (const side of [socket, upstream.socket]) {
    side.setTimeout(0)
    side.setNoDelay(true)
    side.setKeepAlive(true, keepAliveDelay)
  }
  socket.write(`${head}\r\n`, 'latin1')
  if (upstream.head.length > 0) socket.write(upstream.head)
  if (client.head.length > 0) upstream.socket.write(client.head)
  exchange.bytesSent += upstream.head.length
  upstream.socket.on('data', (chunk) => {
    exchange.bytesSent += chunk.length
  })
  bind(socket, upstream.socket)
  bind(upstream.socket, socket)
}

/** Bytes from one side to the other. An end is passed on as an end; a failure takes the other side with it. */
function bind(from: Socket, to: Socket): void {
  from.pipe(to)
  from.on('error', () => to.destroy())
  from.on('close', () => to.destroySoon())
}
