/**
 * WebSocket upgrades: the handshake is passed on with every header and subprotocol as it came, then bytes flow both
 * ways with backpressure, unread. (Re-framing messages would lose compression, limits and order of pings.)
 */
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { ProxyPlan } from '../plan/types.ts'
import { messageOf } from '../shared/errors.ts'
import { socketPathOf } from '../shared/socket-origin.ts'
import type { Exchange, UpgradeRequest } from './exchange.ts'
import { joinSockets } from './listen/tunnel.ts'
import { retryAfter } from './proxy/upstream-dispatch.ts'
import { upstreamHeaders } from './request-headers.ts'
import { cutAnswer, finalHeaders, sendError, sendHead } from './respond.ts'
import { answerFields } from './response/answer-fields.ts'
import { serverNameOf, urlOriginOf } from './upstream/dial.ts'
import { isConnectionFault, statusOf } from './upstream/faults.ts'
import type { Target } from './upstream/target.ts'
import type { Upstream } from './upstream/upstream.ts'
import { goingAway, ServerFrames } from './websocket/frames.ts'

/** Below the 60 s after which load balancers forget an idle connection, so that a vanished peer is found. */
const keepAliveDelay = 45_000
/** How long the other side of a tunnel may be quiet when one has ended. */
const halfOpenQuiet = 20_000

/** An option of sockets, which Node's agent hands on: an upstream that has ended its side may still be sent to. */
const halfOpen = { allowHalfOpen: true }

/**
 * Passes the handshake on; what comes back is a tunnel, or an answer like any other. A target that cannot be reached was
 * sent nothing, so the next one is tried; nothing else is tried twice, since a handshake may open a session.
 */
export function tunnel(exchange: Exchange, upgrade: UpgradeRequest, plan: ProxyPlan, upstream: Upstream): void {
  const tried: Target[] = []
  const next = (failed?: Error) => {
    const target = exchange.over ? undefined : upstream.choose(tried)
    if (target) attempt(target)
    else if (failed) fail(exchange, failed)
    else sendError(exchange, 503, `upstream ${upstream.name}: no target is up`, ['retry-after', retryAfter])
  }
  const attempt = (target: Target) => {
    tried.push(target)
    target.join(exchange)
    const handshake = shakeHands(exchange, target)
    let reached = false
    handshake.on('close', () => {
      if (exchange.kind !== 'tunnel') target.leave(exchange)
    })
    limitTime(handshake, plan, () => {
      reached = true
    })
    exchange.onAbandoned(() => handshake.destroy())
    handshake.on('upgrade', (answer, socket, head) => {
      upstream.answered(target, 101)
      socket.once('close', () => target.leave(exchange))
      join(exchange, upgrade, { answer, socket: socket as Socket, head })
    })
    handshake.on('response', (answer) => {
      upstream.answered(target, answer.statusCode ?? 502)
      relay(exchange, answer)
    })
    handshake.on('error', (error) => {
      if (!exchange.over && !reached && isConnectionFault(error)) upstream.connectionFailed(target, error)
      if (reached) fail(exchange, error)
      else next(error)
    })
    handshake.end()
  }
  next()
}

function shakeHands(exchange: Exchange, { dial }: Target): ClientRequest {
  const { request, inner } = exchange
  const headers = upstreamHeaders(exchange)
  headers.push('connection', 'Upgrade', 'upgrade', request.headers.upgrade ?? 'websocket')
  const { hostname, port, protocol } = new URL(urlOriginOf(dial))
  const socketPath = socketPathOf(dial.origin)
  const secure = protocol === 'https:'
  return (secure ? httpsRequest : httpRequest)({
    ...(socketPath === undefined ? { host: hostname.replace(/^\[|\]$/g, ''), port } : { socketPath }),
    method: request.method,
    path: inner.path + inner.query,
    headers,
    agent: false,
    ...halfOpen,
    ...(secure && {
      servername: serverNameOf(dial),
      rejectUnauthorized: dial.tls?.verify ?? true,
      ...(dial.tls?.ca !== undefined && { ca: dial.tls.ca }),
    }),
  })
}

function fail(exchange: Exchange, error: Error): void {
  if (!exchange.response.writableEnded) sendError(exchange, statusOf(error), `upstream: ${messageOf(error)}`)
}

const tooSlow = 'ETIMEDOUT'

function limitTime(handshake: ClientRequest, { timeouts }: ProxyPlan, reached: () => void): void {
  const giveUp = (what: string) => handshake.destroy(Object.assign(new Error(`${what} in time`), { code: tooSlow }))
  let timer = setTimeout(giveUp, timeouts.connect, 'no connection')
  handshake.once('socket', (socket) => {
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => {
      reached()
      clearTimeout(timer)
      timer = setTimeout(giveUp, timeouts.response, 'no answer to the upgrade')
    })
  })
  for (const end of ['upgrade', 'response', 'close'] as const) handshake.once(end, () => clearTimeout(timer))
}

/** An answer other than 101 is the client's to read; afterwards both connections are closed. */
function relay(exchange: Exchange, answer: IncomingMessage): void {
  const { response } = exchange
  answer.on('error', (error) => cutAnswer(exchange, `upstream: ${messageOf(error)}`))
  try {
    sendHead(exchange, answer.statusCode ?? 502, [...answerFields(answer.rawHeaders), 'connection', 'close'])
  } catch (error) {
    answer.destroy()
    sendError(exchange, 502, `the upstream's headers cannot be passed on: ${messageOf(error)}`)
    return
  }
  answer.on('data', (chunk: Buffer) => {
    exchange.bytesSent += chunk.length
    if (!response.write(chunk)) {
      answer.pause()
      response.once('drain', () => answer.resume())
    }
  })
  answer.on('end', () => response.end())
}

interface Peer {
  readonly answer: IncomingMessage
  readonly socket: Socket
  readonly head: Buffer
}

function join(exchange: Exchange, client: UpgradeRequest, upstream: Peer): void {
  const { socket } = client
  const { answer } = upstream
  ;(exchange.response as ServerResponse).detachSocket(socket)
  unwatchClient(socket)
  const headers = finalHeaders(exchange, 101, answerFields(answer.rawHeaders))
  const quiet = Math.min(exchange.generation.plan.limits.stallTimeout, halfOpenQuiet)
  exchange.becomes('tunnel')
  headers.push('Connection', 'Upgrade', 'Upgrade', answer.headers.upgrade ?? 'websocket')
  let head = `HTTP/1.1 101 ${STATUS_CODES[101]}\r\n`
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  for (const side of [socket, upstream.socket]) {
    side.setTimeout(0)
    side.setNoDelay(true)
    side.setKeepAlive(true, keepAliveDelay)
  }
  socket.write(`${head}\r\n`, 'latin1')
  const frames = new ServerFrames()
  const sent = (chunk: Buffer) => {
    exchange.bytesSent += chunk.length
    frames.take(chunk)
  }
  if (upstream.head.length > 0) {
    socket.write(upstream.head)
    sent(upstream.head)
  }
  if (client.head.length > 0) upstream.socket.write(client.head)
  upstream.socket.on('data', sent)
  exchange.part = () => {
    upstream.socket.off('data', sent)
    upstream.socket.unpipe(socket)
    upstream.socket.resume()
    // A client that reads no Close sees the connection end, and connects anew after a while all the same.
    if (frames.mayInterpose) socket.write(goingAway)
    socket.end()
  }
  joinSockets(socket, upstream.socket, quiet)
}

/**
 * Until the upstream has answered, nobody reads the client's socket, and one that leaves would go unnoticed. So it is read
 * as far as its buffer goes: what comes early waits there for the tunnel, an end destroys the socket.
 */
export function watchClient(socket: Socket): void {
  socket.on('error', () => socket.destroy())
  socket.on('readable', look)
  socket.once('end', leave)
}

function unwatchClient(socket: Socket): void {
  socket.off('readable', look)
  socket.off('end', leave)
}

function look(this: Socket): void {
  this.read(0)
}

function leave(this: Socket): void {
  this.destroy()
}
