/** Dials HTTP/2 connections to upstreams. */
import type { OnReadOpts, Socket } from 'node:net'
import { messageOf } from '../../../shared/errors.ts'
import { usesTls } from '../../../shared/net/origin-scheme.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import type { Dial } from '../../upstream/dial.ts'
import { dialSocket, type Waiter } from '../client/dialling.ts'
import { UpstreamTimeout } from '../client/faults.ts'
import { Http2Connection, type Http2ConnectionOwner } from './connection.ts'

export interface Http2DialOptions {
  readonly owner: Http2ConnectionOwner
  /** A TLS session of an earlier connection, and the receiver of newer ones. */
  readonly session: Buffer | undefined
  keepSession(session: Buffer): void
}

/** The upstream's TLS or HTTP version is not what the scheme of its target says. */
class NoHttp2 extends Error {
  readonly code = 'NO_HTTP2'
}

/** All connections of a thread are read into one buffer: what is kept of it is copied at once. */
const readBuffer = Buffer.allocUnsafeSlow(65_536)

/** Passes on what is read. It lives as long as the socket, so it must not hold the waiter. */
class Receiver {
  connection: Http2Connection | undefined
  readonly onread: OnReadOpts = {
    buffer: readBuffer,
    callback: (length) => {
      this.connection?.take(readBuffer.subarray(0, length))
      return true
    },
  }
}

/**
 * Connects within the connect timeout, in which the upstream's settings must arrive too. Returns a function that aborts,
 * without a call to the waiter.
 */
export function dialHttp2(dial: Dial, options: Http2DialOptions, waiter: Waiter<Http2Connection>): () => void {
  const deadline = performance.now() + dial.connect
  const receiver = new Receiver()
  const { session, keepSession } = options
  let abort = dialSocket(
    dial,
    { session, keepSession, onread: receiver.onread },
    {
      onSocket(socket) {
        const left = Math.max(1, deadline - performance.now())
        abort = begin(socket, receiver, { dial, owner: options.owner, left }, waiter)
      },
      onNoSocket: (error) => waiter.onNoConnection(error),
    },
  )
  return () => abort()
}

interface Beginning {
  readonly dial: Dial
  readonly owner: Http2ConnectionOwner
  readonly left: Milliseconds
}

function begin(
  socket: Socket,
  receiver: Receiver,
  { dial, owner, left }: Beginning,
  waiter: Waiter<Http2Connection>,
): () => void {
  const { origin, connect } = dial
  if (usesTls(origin) && 'alpnProtocol' in socket && socket.alpnProtocol !== 'h2') {
    socket.on('error', () => {})
    socket.destroy()
    waiter.onNoConnection(new NoHttp2(`${origin} does not speak HTTP/2: it did not choose h2 by ALPN`))
    return () => {}
  }
  let aborted = false
  const connection = new Http2Connection(socket, {
    owner,
    answerToPing: connect,
    answerHeaders: dial.answerHeaders ?? 0,
    onReady(ready) {
      clearTimeout(timer)
      waiter.onConnection(ready)
    },
    onFailed(error) {
      clearTimeout(timer)
      if (aborted) return
      const late = error instanceof UpstreamTimeout
      waiter.onNoConnection(late ? error : new NoHttp2(`${origin} does not speak HTTP/2: ${messageOf(error)}`))
    },
  })
  const timer = setTimeout(
    () =>
      connection.destroy(new UpstreamTimeout(`connect timeout: no HTTP/2 settings of ${origin} within ${connect} ms`)),
    left,
  )
  receiver.connection = connection
  return () => {
    aborted = true
    connection.destroy(new UpstreamTimeout('aborted'))
  }
}
