/** Dials connections to upstreams. */

import type { OnReadOpts, Socket } from 'node:net'
import { isOfReserve } from '../../../shared/system/descriptors.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import type { Dial } from '../../upstream/dial.ts'
import { Connection, type ConnectionOwner } from './connection.ts'
import { DescriptorsUsedUp, UpstreamTimeout } from './faults.ts'
import { eventOfReady, openSocket, type SocketOptions } from './socket.ts'

/** Called once, with a connection (or a stream of one) or an error. */
export interface Waiter<C = Connection> {
  onConnection(connection: C): void
  onNoConnection(error: Error): void
}

export interface DialOptions {
  readonly owner: ConnectionOwner
  /** A TLS session of an earlier connection, and the receiver of newer ones. */
  readonly session?: Buffer | undefined
  readonly keepSession?: ((session: Buffer) => void) | undefined
  /** Whether the socket may become a tunnel, which is read by others. */
  readonly tunnel?: boolean
}

/** All sockets of a thread are read into one buffer: what is kept of it must be copied at once. */
const readBuffer = Buffer.allocUnsafeSlow(65_536)

/** Passes on what is read. It lives as long as the socket, so it must not hold the waiter. */
class Receiver {
  connection: Connection | undefined
  readonly take = (bytes: Buffer): void => this.connection?.take(bytes)
  readonly onread: OnReadOpts = {
    buffer: readBuffer,
    callback: (length) => {
      this.connection?.take(readBuffer.subarray(0, length))
      return true
    },
  }
}

/** Called once, with a socket that is connected or an error. */
export interface SocketWaiter {
  onSocket(socket: Socket): void
  onNoSocket(error: Error): void
}

/** Connects within the connect timeout. Returns a function that aborts, without a call to the waiter. */
export function dialConnection(dial: Dial, options: DialOptions, waiter: Waiter): () => void {
  const receiver = new Receiver()
  const socketOptions = {
    session: options.session,
    keepSession: options.keepSession,
    ...(!options.tunnel && { onread: receiver.onread }),
  }
  return dialSocket(dial, socketOptions, {
    onSocket(socket) {
      const made = new Connection(socket, options.owner)
      receiver.connection = made
      if (options.tunnel) socket.on('data', receiver.take)
      waiter.onConnection(made)
    },
    onNoSocket: (error) => waiter.onNoConnection(error),
  })
}

/** Like `dialConnection`. The caller handles the errors of the socket from `onSocket` on. */
export function dialSocket(
  dial: Dial,
  { keepSession, ...options }: SocketOptions & Pick<DialOptions, 'keepSession'>,
  waiter: SocketWaiter,
): () => void {
  const socket = openSocket(dial, options)
  const giveUp = () => {
    clearTimeout(timer)
    socket.off('error', failed)
    // Later errors of an aborted socket are of no interest.
    socket.on('error', () => {})
    socket.destroy()
  }
  const failed = (error: Error) => {
    giveUp()
    waiter.onNoSocket(error)
  }
  const late = () =>
    failed(new UpstreamTimeout(`connect timeout: no connection to ${dial.origin} within ${dial.connect} ms`))
  const timer = setTimeout(late, dial.connect)
  socket.on('error', failed)
  if (keepSession) socket.on('session', keepSession)
  socket.once(eventOfReady(socket), () => {
    if (isOfReserve(socket)) {
      failed(new DescriptorsUsedUp('hardly any file descriptors are left for connections'))
      return
    }
    clearTimeout(timer)
    socket.off('error', failed)
    waiter.onSocket(socket)
  })
  return giveUp
}
