/**
 * WebSocket upgrades: the handshake is passed on with all headers and subprotocols, then bytes are copied both ways
 * with backpressure, unparsed. (Re-framing messages would lose compression, limits and the order of pings.)
 */
import { STATUS_CODES } from 'node:http'
import type { ProxyPlan } from '../../plan/model/plan.ts'
import type { UpgradeRequest } from '../listen/http1/request.ts'
import type { Exchange } from '../request/exchange.ts'
import { answerFields } from '../response/answer-fields.ts'
import { finalHeaders } from '../response/respond.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { joinSockets } from './tunnel.ts'
import { UpgradeDispatch, type UpgradedPeer } from './upgrade-dispatch.ts'
import { goingAway, ServerFrames } from './websocket-frames.ts'

/** Below the 60 s after which load balancers drop an idle connection; also detects a vanished peer. */
const keepAliveDelay = 45_000
/** How long the other side of a tunnel may be silent after one has ended. */
const halfOpenQuiet = 20_000

/** Passes the handshake on; the result is a tunnel, or an answer like any other. */
export function tunnel(exchange: Exchange, upgrade: UpgradeRequest, plan: ProxyPlan, upstream: Upstream): void {
  new UpgradeDispatch(exchange, plan, upstream, (peer) => joinClient(exchange, upgrade, peer)).begin()
}

/** Sends the head of the peer's answer to the client, then copies bytes both ways until both sides have ended. */
export function joinClient(exchange: Exchange, client: UpgradeRequest, upstream: UpgradedPeer): void {
  const { socket } = client
  const ahead = client.detach()
  const headers = finalHeaders(exchange, 101, answerFields(upstream.head.fields))
  const quiet = Math.min(exchange.generation.plan.limits.stallTimeout, halfOpenQuiet)
  exchange.becomes('tunnel')
  headers.push('Connection', 'Upgrade', 'Upgrade', upstream.head.upgrade ?? 'websocket')
  let head = `HTTP/1.1 101 ${STATUS_CODES[101]}\r\n`
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
  for (const side of [socket, upstream.socket]) {
    side.setTimeout(0)
    side.setNoDelay(true)
    side.setKeepAlive(true, keepAliveDelay)
  }
  socket.write(`${head}\r\n`, 'latin1')
  const frames = new ServerFrames()
  const sent = (chunk: Buffer): void => {
    exchange.bytesSent += chunk.length
    frames.take(chunk)
  }
  if (upstream.rest.length > 0) {
    socket.write(upstream.rest)
    sent(upstream.rest)
  }
  if (ahead.length > 0) upstream.socket.write(ahead)
  const stop = joinSockets(socket, upstream.socket, { quiet, seen: sent })
  exchange.closeTunnel = () => {
    stop()
    // Without a Close frame the client still sees the connection end, and reconnects.
    if (frames.mayInterpose) socket.write(goingAway)
    socket.end()
  }
}
