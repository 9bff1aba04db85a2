import { constants, createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { LimitsPlan, ListenerPlan } from '../../plan/model/plan.ts'
import type { GatewayRequest, GatewayResponse, Http2Request, Http2Response } from '../request/exchange.ts'
import type { Refusal } from '../request/refusal.ts'
import { withoutMapping } from '../request/trust.ts'
import { acceptOn } from './accept.ts'
import type { Http1Limits } from './http1/connection.ts'
import { Http1Server } from './http1/http1.ts'
import type { Http1Request, UpgradeRequest } from './http1/request.ts'
import type { Http1Response } from './http1/response.ts'
import { endWhenIdle } from './idle-session.ts'
import { listenError } from './listen-error.ts'
import { http2, socketOptions, tls } from './protocol-limits.ts'
import { expectProxyHeader } from './proxy-protocol/accept.ts'
import { StreamTurns } from './stream-turns.ts'
import { acmeProtocol } from './tls/challenges.ts'
import { admitClients } from './tls/client-certificates.ts'
import { gateTls, takeHttp1 } from './tls/secure-gate.ts'
import { type SniChooser, tlsFloor } from './tls/sni.ts'
import { refuseName } from './tls/unknown-name.ts'

export interface ListenerEvents {
  /** Whether a new connection is admitted; a refused one is closed already. */
  connected(socket: Socket): boolean
  /** `refusal`: why it must not be routed, if that is known already. */
  request(listener: Listener, request: GatewayRequest, response: GatewayResponse, refusal?: Refusal): void
  upgrade(listener: Listener, request: Http1Request, response: Http1Response, upgrade: UpgradeRequest): void
  /** The rest of the body of an h1 request cannot be read. */
  brokenBody(request: Http1Request, refusal: Refusal): void
  /** The certificate for an ACME server that validates this name. */
  challenge(name: string): SecureContext | undefined
  /** Whether an address is that of a trusted proxy. */
  trusts(address: string): boolean
  /** A connection was closed before any request could be read. */
  refused(plan: ListenerPlan, cause: string): void
  /** Accepting a connection failed (too many open files, for example); the port stays open. */
  failed(plan: ListenerPlan, error: Error): void
}

/** An open port with its server, until the thread ends or a reload removes the port. */
export interface Listener {
  readonly plan: ListenerPlan
  readonly address: AddressInfo
  /** Address of the other end of one of its connections. */
  peerOf(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): string
  /** Answers handshakes with these certificates from the next one on; connections stay. */
  setSni(sni: SniChooser): void
  /** Holds connections to these limits from the next one on. */
  limit(limits: LimitsPlan): void
  /**
   * Accepts what is in the queue, then closes the port and idle connections; h2 clients get a GOAWAY and finish their
   * streams. Resolves when the port is closed; `closed` is called when the last connection is over.
   */
  stopAccepting(closed: () => void): Promise<void>
  /** Ends h1 connections without a request in flight. */
  closeIdle(): void
  /** Ends all connections before it returns. Never throws. */
  destroy(): void
}

/** Opens the port; rejects with `address-in-use` or `address-unavailable`. */
export async function openListener(plan: ListenerPlan, sni: SniChooser, events: ListenerEvents): Promise<Listener> {
  let current = sni
  const sockets = new Set<Socket>()
  const sessions = new Set<ServerHttp2Session>()
  let limits: Http1Limits = { headerTimeout: 0, idleTimeout: 0, requestHeaders: 0 }
  const http1 = new Http1Server({
    request: (request, response, refusal) => events.request(listener, request, response, refusal),
    upgrade: (request, response, upgrade) => events.upgrade(listener, request, response, upgrade),
    brokenBody: events.brokenBody,
    limits: () => limits,
  })
  const server = plan.tls
    ? secureServer(plan, () => current, http1, events)
    : createServer({ ...socketOptions, allowHalfOpen: true })
  if (plan.tls) setFallback(server as Http2SecureServer, sni)
  const serve = (socket: Socket) => {
    if (!plan.tls && !socket.destroyed) http1.accept(socket)
  }
  // What follows a PROXY header is served once it is read.
  if (plan.proxyProtocol) server.on('connection', serve)
  const sourceOf =
    plan.proxyProtocol &&
    expectProxyHeader(server, {
      version: plan.proxyProtocol,
      trusts: events.trusts,
      timeout: () => limits.headerTimeout || 10_000,
      refused: (cause) => events.refused(plan, cause),
    })
  server.on('connection', (socket: Socket) => {
    if (!events.connected(socket)) return
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  if (!plan.proxyProtocol) server.on('connection', serve)
  server.on('session', (session: ServerHttp2Session) => {
    // A broken session concerns its client only; its streams report their own errors.
    session.on('error', () => {})
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    endWhenIdle(session, limits)
  })
  const acceptor = await acceptOn(server, plan).catch((error) => {
    throw listenError(plan, error)
  })
  server.on('error', (error: Error) => events.failed(plan, error))
  const listener: Listener = {
    plan,
    address: acceptor.address,
    peerOf: (socket) => sourceOf?.(socket) ?? withoutMapping(socket.remoteAddress ?? ''),
    setSni(next) {
      current = next
      if (plan.tls) setFallback(server as Http2SecureServer, next)
    },
    limit(next) {
      limits = next
      if (plan.tls) limitSessions(server as Http2SecureServer, next)
    },
    async stopAccepting(closed) {
      await acceptor.stop(closed)
      http1.closeIdle()
    },
    closeIdle: () => http1.closeIdle(),
    destroy() {
      acceptor.close()
      // Sessions first: one that is being read must not open another stream from bytes that were read already.
      // Not closeAllConnections(), which h2 servers do not have.
      for (const open of [...sessions, ...sockets]) destroyOpen(open)
    },
  }
  if (!plan.tls) return listener
  const streams = new StreamTurns((request, response) => events.request(listener, request, response))
  const take = (request: Http2Request, response: Http2Response) => streams.take(request, response)
  server.on('connect', take)
  server.on('request', take)
  // Not Node's own 100: it is sent when the body is read (proxy/upload.ts), and an earlier answer spares the client the
  // upload.
  server.on('checkContinue', take)
  // Refused like any other invalid request; Node's own 417 would not be logged.
  server.on('checkExpectation', take)
  return listener
}

/**
 * Called at any moment: an exception of one connection must not spare the others. Without an error, a session would end
 * its streams with NO_ERROR, and half an answer would look complete.
 */
function destroyOpen(open: ServerHttp2Session | Socket): void {
  try {
    if ('socket' in open) open.destroy(new Error('the connection is ended'), constants.NGHTTP2_INTERNAL_ERROR)
    else open.destroy()
  } catch {}
}

/** Names and values of 128 fields, each with the 32 bytes that RFC 9113 §6.5.2 adds to it. */
const h2Allowance = 128 * 32

function limitSessions(server: Http2SecureServer, { requestHeaders }: LimitsPlan): void {
  // nghttp2 resets streams with longer heads; up to twice the limit the gateway answers 431.
  server.updateSettings({ maxHeaderListSize: 2 * requestHeaders + h2Allowance })
}

/** Sockets of ACME servers that validate a challenge. */
const validating = new WeakSet<object>()

function secureServer(
  plan: ListenerPlan,
  sni: () => SniChooser,
  http1: Http1Server,
  events: Pick<ListenerEvents, 'challenge' | 'refused'>,
): Http2SecureServer {
  const { clientCertificates } = plan
  const server = createSecureServer({
    ...socketOptions,
    ...http2,
    ...tls,
    ...tlsFloor,
    allowHTTP1: true,
    ...(clientCertificates && { requestCert: true, rejectUnauthorized: clientCertificates.required }),
    // In TLS 1.3 it runs before SNICallback, in 1.2 after it: there the certificate has to be replaced.
    ALPNCallback(this: TLSSocket, { servername, protocols }) {
      const context = protocols.includes(acmeProtocol) ? events.challenge(servername) : undefined
      if (!context) return offered.find((protocol) => protocols.includes(protocol))
      validating.add(this)
      if (this.getProtocol() === 'TLSv1.2') this.setKeyCert(context)
      return acmeProtocol
    },
    SNICallback(this: TLSSocket, name, done) {
      const context = (validating.has(this) ? undefined : sni().choose(name)) ?? events.challenge(name)
      if (context) return done(null, context)
      const error = new Error(`no certificate for ${name}`)
      refuseName(this, () => done(error))
      events.refused(plan, `no certificate for the name ${name.slice(0, 255)} in a TLS handshake`)
    },
  })
  takeHttp1(server, (socket) => http1.accept(socket))
  if (clientCertificates) admitClients(server, clientCertificates.required, (cause) => events.refused(plan, cause))
  // The handshake is all that an ACME server needs (RFC 8737 §3).
  gateTls(server, ({ alpnProtocol }) => alpnProtocol !== acmeProtocol)
  return server
}

const offered = ['h2', 'http/1.1']

/** For clients that send no name, for which SNICallback is not called. */
function setFallback(server: Http2SecureServer, { fallback }: SniChooser): void {
  if (fallback) server.setSecureContext(fallback)
}
