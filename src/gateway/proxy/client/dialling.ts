/** Dials connections to upstreams. */

import type { OnReadOpts } from 'node:net'
import { isOfReserve } from '../../../shared/system/descriptors.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import type { Dial } from '../../upstream/dial.ts'
import { Connection, type ConnectionOwner } from './connection.ts'
import { DescriptorsUsedUp, UpstreamTimeout } from './faults.ts'
import { eventOfReady, openSocket } from './socket.ts'

/** Called once, with a connection or an error. */
export interface Waiter {
  onConnection(connection: Connection): void
  onNoConnection(error: Error): void
}

export interface DialOptions {
  readonly owner: ConnectionOwner
  /** A TLS session of an earlier connection, and the receiver of newer ones. */
  readonly session?: Buffer | undefined
  keepSession?(session: Buffer): void
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

/** Connects within the connect timeout. Returns a function that aborts, without a call to the waiter. */
export function dialConnection(dial: Dial, options: DialOptions, waiter: Waiter): () => void {
  const receiver = new Receiver()
  const socket = openSocket(dial, { session: options.session, ...(!options.tunnel && { onread: receiver.onread }) })
  const giveUp = () => {
    clearTimeout(timer)
    socket.off('error', failed)
    // Later errors of an aborted socket are of no interest.
    socket.on('error', () => {})
    socket.destroy()
  }
  const failed = (error: Error) => {
    giveUp()
    waiter.onNoConnection(error)
  }
  const late = () =>
    failed(new UpstreamTimeout(`connect timeout: no connection to ${dial.origin} within ${dial.connect} ms`))
  const timer = setTimeout(late, dial.connect)
  socket.on('error', failed)
  if (options.keepSession) socket.on('session', options.keepSession)
  socket.once(eventOfReady(socket), () => {
    if (isOfReserve(socket)) {
      failed(new DescriptorsUsedUp('hardly any file descriptors are left for connections'))
      return
    }
    clearTimeout(timer)
    const made = new Connection(socket, options.owner)
    socket.off('error', failed)
    receiver.connection = made
    if (options.tunnel) socket.on('data', receiver.take)
    waiter.onConnection(made)
  })
  return giveUp
}
