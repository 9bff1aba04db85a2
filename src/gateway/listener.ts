import { createServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http'
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { ListenerPlan } from '../plan/types.ts'
import { GatehouseError, messageOf } from '../shared/errors.ts'
import type { GatewayRequest, GatewayResponse } from './exchange.ts'
import type { ServedCertificate } from './ports.ts'
import { createSni, type SniChooser, tlsFloor } from './sni.ts'

export interface ListenerEvents {
  request(listener: ListenerPlan, request: GatewayRequest, response: GatewayResponse): void
  upgrade(listener: ListenerPlan, request: IncomingMessage, upgrade: { socket: Socket; head: Buffer }): void
}

/** An open port with its server, which lives as long as the thread or until a reload takes the port away. */
export interface Listener {
  readonly plan: ListenerPlan
  readonly address: AddressInfo
  use(certificates: readonly ServedCertificate[]): void
  /** Accepts no more and ends idle connections; h2 clients are told to go (GOAWAY) once their streams are over. */
  stopAccepting(): void
  /** Ends what is still open. */
  destroy(): void
}

const http1: ServerOptions = {
  // Longer than the 60 s of common load balancers, so that they never send into a connection that we are closing.
  keepAliveTimeout: 75_000,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 2_000,
  // A body may take as long as it needs: uploads of gigabytes are honest.
  requestTimeout: 0,
  maxHeaderSize: 16 * 1024,
  requireHostHeader: true,
  noDelay: true,
}

/** Opens the port; rejects with `address-in-use` or `address-unavailable`. */
export async function openListener(
  plan: ListenerPlan,
  certificates: readonly ServedCertificate[],
  events: ListenerEvents,
): Promise<Listener> {
  let sni: SniChooser = createSni(plan.tls ? certificates : [])
  const server = plan.tls ? secureServer(() => sni) : createServer(http1)
  // h2c and other protocols are not ours to tunnel: such a request is answered as if it had not asked (RFC 9110 §7.8).
  Object.assign(server, { shouldUpgradeCallback: isWebSocket })
  server.on('request', (request: GatewayRequest, response: GatewayResponse) => events.request(plan, request, response))
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
    events.upgrade(plan, request, { socket, head }),
  )
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session))
    // A broken session concerns its client only; its streams report for themselves.
    session.on('error', () => {})
  })
  await listen(server, plan)
  const listener: Listener = {
    plan,
    address: server.address() as AddressInfo,
    use(next) {
      if (!plan.tls) return
      sni = createSni(next)
      setFallback(server as Http2SecureServer, sni)
    },
    stopAccepting() {
      server.close()
    },
    destroy() {
      server.close()
      for (const session of sessions) session.destroy()
      ;(server as Server).closeAllConnections()
    },
  }
  if (plan.tls) setFallback(server as Http2SecureServer, sni)
  return listener
}

function secureServer(sni: () => SniChooser): Http2SecureServer {
  return createSecureServer({
    ...http1,
    ...tlsFloor,
    allowHTTP1: true,
    ALPNProtocols: ['h2', 'http/1.1'],
    handshakeTimeout: 10_000,
    settings: { maxConcurrentStreams: 128, enablePush: false },
    SNICallback(name, done) {
      const context = sni().choose(name)
      if (context) done(null, context)
      else done(new Error(`no certificate for ${name}`))
    },
  })
}

/** The certificate for clients that send no name is the server's own context; SNICallback is not asked for them. */
function setFallback(server: Http2SecureServer, { fallback }: SniChooser): void {
  if (fallback) server.setSecureContext({ cert: fallback.certificate, key: fallback.key, ...tlsFloor })
}

function isWebSocket(request: IncomingMessage): boolean {
  return request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket'
}

function listen(server: Server | Http2SecureServer, plan: ListenerPlan): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(plan, error)))
    server.listen({ host: plan.host, port: plan.port, reusePort: process.platform === 'linux', backlog: 4096 }, resolve)
  })
}

export function listenError(plan: ListenerPlan, error: unknown): GatehouseError {
  const place = `listener ${plan.name} cannot listen on ${plan.host ?? ''}:${plan.port}`
  const code = (error as { code?: unknown }).code
  if (code === 'EADDRINUSE') {
    const mend = 'another program (or another gatehouse) has this port; stop it, or choose another address'
    return new GatehouseError('address-in-use', `${place}: ${mend}`, { cause: error })
  }
  if (code === 'EACCES') {
    const mend = 'this user may not open ports below 1024; choose a higher one, or grant CAP_NET_BIND_SERVICE'
    return new GatehouseError('address-unavailable', `${place}: ${mend}`, { cause: error })
  }
  return new GatehouseError('address-unavailable', `${place}: ${messageOf(error)}`, { cause: error })
}
