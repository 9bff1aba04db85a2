import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type SecureContext, type TLSSocket, type Server as TlsServer } from 'node:tls'
import type { LimitsPlan, ListenerPlan } from '../../plan/model/plan.ts'
import type { GatewayRequest, GatewayResponse } from '../request/exchange.ts'
import type { Refusal } from '../request/refusal.ts'
import { withoutMapping } from '../request/trust.ts'
import { acceptOn } from './accept.ts'
import type { Http1Limits } from './http1/connection.ts'
import { Http1Server } from './http1/http1.ts'
import type { Http1Request, UpgradeRequest } from './http1/request.ts'
import type { Http1Response } from './http1/response.ts'
import { Http2Server } from './http2/http2.ts'
import { listenError } from './listen-error.ts'
import { socketOptions, tls } from './protocol-limits.ts'
import { expectProxyHeader } from './proxy-protocol/accept.ts'
import { acmeProtocol } from './tls/challenges.ts'
import { admitClients } from './tls/client-certificates.ts'
import { gateTls } from './tls/secure-gate.ts'
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
  /** Resolves when the kernel has taken all answers that are over. */
  emptied(): Promise<void>
  /** Ends all connections before it returns. Never throws. */
  destroy(): void
}

/** Opens the port; rejects with `address-in-use` or `address-unavailable`. */
export async function openListener(plan: ListenerPlan, sni: SniChooser, events: ListenerEvents): Promise<Listener> {
  let current = sni
  const sockets = new Set<Socket>()
  let limits: Http1Limits = { headerTimeout: 0, idleTimeout: 0, requestHeaders: 0 }
  const http1 = new Http1Server({
    request: (request, response, refusal) => events.request(listener, request, response, refusal),
    upgrade: (request, response, upgrade) => events.upgrade(listener, request, response, upgrade),
    brokenBody: events.brokenBody,
    limits: () => limits,
  })
  const http2 = new Http2Server({
    request: (request, response) => events.request(listener, request, response),
    limits: () => limits,
  })
  const serveTls = (socket: TLSSocket) => {
    if (socket.alpnProtocol === 'h2') {
      http2.accept(socket)
      return
    }
    socket.allowHalfOpen = true
    http1.accept(socket)
  }
  const server = plan.tls
    ? secureServer(plan, () => current, serveTls, events)
    : createServer({ ...socketOptions, allowHalfOpen: true })
  if (plan.tls) setFallback(server as TlsServer, sni)
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
      if (plan.tls) setFallback(server as TlsServer, next)
    },
    limit(next) {
      limits = next
    },
    async stopAccepting(closed) {
      await acceptor.stop(closed)
      http1.closeIdle()
      http2.close()
    },
    closeIdle: () => http1.closeIdle(),
    emptied: () => http2.emptied(),
    destroy() {
      acceptor.close()
      http2.destroy()
      for (const socket of [...sockets]) socket.destroy()
    },
  }
  return listener
}

/** Sockets of ACME servers that validate a challenge. */
const validating = new WeakSet<object>()

function secureServer(
  plan: ListenerPlan,
  sni: () => SniChooser,
  serve: (socket: TLSSocket) => void,
  events: Pick<ListenerEvents, 'challenge' | 'refused'>,
): TlsServer {
  const { clientCertificates } = plan
  const server = createTlsServer({
    ...socketOptions,
    ...tls,
    ...tlsFloor,
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
  server.on('secureConnection', serve)
  // Node only reports a handshake that takes too long.
  server.on('tlsClientError', (_error: Error, socket: TLSSocket) => socket.destroy())
  if (clientCertificates) admitClients(server, clientCertificates.required, (cause) => events.refused(plan, cause))
  // The handshake is all that an ACME server needs (RFC 8737 §3).
  gateTls(server, ({ alpnProtocol }) => alpnProtocol !== acmeProtocol)
  return server
}

const offered = ['h2', 'http/1.1']

/** For clients that send no name, for which SNICallback is not called. */
function setFallback(server: TlsServer, { fallback }: SniChooser): void {
  if (fallback) server.setSecureContext(fallback)
}
