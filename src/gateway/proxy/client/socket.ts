/** Sockets to upstreams: TCP or Unix, plain or TLS. */
import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { speaksHttp2, usesTls } from '../../../shared/net/origin-scheme.ts'
import { serverNameOf } from '../../../shared/net/server-name.ts'
import { socketPathOf } from '../../../shared/net/socket-origin.ts'
import type { Dial } from '../../upstream/dial.ts'

export interface SocketOptions {
  /** Bytes are read into its buffer instead of being emitted as `data`. */
  readonly onread?: OnReadOpts
  /** TLS session of an earlier connection, to resume. */
  readonly session?: Buffer | undefined
}

/** Starts to connect; it may be written to after `eventOfReady`. The connect timeout is left to the caller. */
export function openSocket(dial: Dial, { onread, session }: SocketOptions): Socket {
  const http2 = speaksHttp2(dial.origin)
  const common = {
    // An HTTP/1 upstream may end its side while its answer is still unread.
    allowHalfOpen: !http2,
    noDelay: true,
    keepAlive: true,
    // Below the 60 s after which firewalls drop a silent connection.
    keepAliveInitialDelay: 45_000,
    ...(onread && { onread }),
  }
  const path = socketPathOf(dial.origin)
  if (path !== undefined) return connectTcp({ ...common, path })
  const { hostname, port } = new URL(dial.origin)
  const host = hostname.replace(/^\[|\]$/g, '')
  if (!usesTls(dial.origin)) return connectTcp({ ...common, host, port: Number(port || 80) })
  const { tls } = dial
  return connectTls({
    ...common,
    host,
    port: Number(port || 443),
    servername: serverNameOf(dial),
    ALPNProtocols: [http2 ? 'h2' : 'http/1.1'],
    rejectUnauthorized: tls?.verify ?? true,
    ...(tls?.ca !== undefined && { ca: tls.ca }),
    ...(session && { session }),
  })
}

export function eventOfReady(socket: Socket): 'connect' | 'secureConnect' {
  return 'encrypted' in socket ? 'secureConnect' : 'connect'
}

/**
 * Node destroys a socket when a write fails, and with it the unread bytes that the peer sent before it closed. So
 * `spare` is asked first; true: the socket stays open until its end is read.
 */
export function keepFromWriteErrors(socket: Socket, spare: (error: Error) => boolean): void {
  const destroy = socket.destroy
  socket.destroy = function (error) {
    if (error && (error as NodeJS.ErrnoException).syscall === 'write' && spare(error)) return this
    return destroy.call(this, error)
  }
}
