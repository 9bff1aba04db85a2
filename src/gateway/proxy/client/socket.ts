/** Sockets to upstreams: TCP or Unix, plain or TLS. */
import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { serverNameOf } from '../../../shared/net/server-name.ts'
import { socketPathOf } from '../../../shared/net/socket-origin.ts'
import type { Dial } from '../../upstream/dial.ts'

export interface SocketOptions {
  /** Bytes are read into its buffer instead of being told by `data` events. */
  readonly onread?: OnReadOpts
  /** A session of an earlier connection, which makes the handshake shorter. */
  readonly session?: Buffer | undefined
}

/** Begins to connect; `eventOfReady` says when it may be written to. The timeout of the dial is left to the caller. */
export function openSocket(dial: Dial, { onread, session }: SocketOptions): Socket {
  const common = {
    // Which end closes first is the protocol's business: an upstream may end its side while its answer is still unread.
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    // Below the 60 s after which firewalls forget a silent connection.
    keepAliveInitialDelay: 45_000,
    ...(onread && { onread }),
  }
  const path = socketPathOf(dial.origin)
  if (path !== undefined) return connectTcp({ ...common, path })
  const { hostname, port, protocol } = new URL(dial.origin)
  const host = hostname.replace(/^\[|\]$/g, '')
  if (protocol !== 'https:') return connectTcp({ ...common, host, port: Number(port || 80) })
  const { tls } = dial
  return connectTls({
    ...common,
    host,
    port: Number(port || 443),
    servername: serverNameOf(dial),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: tls?.verify ?? true,
    ...(tls?.ca !== undefined && { ca: tls.ca }),
    ...(session && { session }),
  })
}

export function eventOfReady(socket: Socket): 'connect' | 'secureConnect' {
  return 'encrypted' in socket ? 'secureConnect' : 'connect'
}

/**
 * A socket that fails to write is destroyed by Node, and with it what its other end had sent before it closed. So an error of
 * writing is told to `spare` first; true: the socket stays, and ends by what is read of it.
 */
export function keepFromWriteErrors(socket: Socket, spare: (error: Error) => boolean): void {
  const destroy = socket.destroy
  socket.destroy = function (error) {
    if (error && (error as NodeJS.ErrnoException).syscall === 'write' && spare(error)) return this
    return destroy.call(this, error)
  }
}
