/** Dials HTTP/2 connections to upstreams. */
import { connect, type SecureClientSessionOptions } from 'node:http2'
import type { Socket } from 'node:net'
import type { Bytes } from '../../../shared/bytes.ts'
import { messageOf } from '../../../shared/errors.ts'
import { usesTls } from '../../../shared/net/origin-scheme.ts'
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

/**
 * Connects within the connect timeout, in which the upstream's settings must arrive too, and its acknowledgement of ours:
 * until then its limit of streams is unknown, and our limit of heads not in force. Returns a function that aborts, without a call to the waiter.
 */
export function dialHttp2(dial: Dial, options: Http2DialOptions, waiter: Waiter<Http2Connection>): () => void {
  const deadline = performance.now() + dial.connect
  let abort = dialSocket(dial, options, {
    onSocket(socket) {
      abort = beginSession(socket, dial, { ...options, timeout: Math.max(1, deadline - performance.now()) }, waiter)
    },
    onNoSocket: (error) => waiter.onNoConnection(error),
  })
  return () => abort()
}

function beginSession(
  socket: Socket,
  dial: Dial,
  { owner, timeout }: Http2DialOptions & { readonly timeout: number },
  waiter: Waiter<Http2Connection>,
): () => void {
  socket.on('error', () => {}) // the session reports it
  const { origin } = dial
  if (usesTls(origin) && 'alpnProtocol' in socket && socket.alpnProtocol !== 'h2') {
    socket.destroy()
    waiter.onNoConnection(new NoHttp2(`${origin} does not speak HTTP/2: it did not choose h2 by ALPN`))
    return () => {}
  }
  // Only the name of the session: requests bring their own authority.
  const session = connect('http://upstream', {
    ...sessionOptions(dial.answerHeaders ?? 0),
    createConnection: () => socket,
  })
  const stop = () => {
    clearTimeout(timer)
    session.off('remoteSettings', settled)
    session.off('localSettings', settled)
    session.off('close', closed)
    session.off('error', failed)
  }
  const giveUp = (error?: Error) => {
    stop()
    session.on('error', () => {})
    session.destroy()
    socket.destroy()
    if (error) waiter.onNoConnection(error)
  }
  let awaited = 2
  const settled = () => {
    awaited -= 1
    if (awaited > 0) return
    stop()
    waiter.onConnection(new Http2Connection(session, socket, owner, dial.connect))
  }
  const failed = (error: Error) => giveUp(new NoHttp2(`${origin} does not speak HTTP/2: ${messageOf(error)}`))
  const closed = () => giveUp(new NoHttp2(`${origin} closed the connection before its HTTP/2 settings`))
  const late = () =>
    giveUp(new UpstreamTimeout(`connect timeout: no HTTP/2 settings of ${origin} within ${dial.connect} ms`))
  const timer = setTimeout(late, timeout)
  session.once('remoteSettings', settled)
  session.once('localSettings', settled)
  session.once('close', closed)
  session.once('error', failed)
  return () => giveUp()
}

/** RFC 9113 §6.5.2 adds this to each field. */
const fieldOverhead: Bytes = 32

/** Documented since Node 24, and missing in its types for clients. */
interface SessionOptions extends SecureClientSessionOptions {
  readonly strictSingleValueFields: boolean
}

/** The exact limit of heads is that of each request; these bound what is held of a longer one. */
function sessionOptions(answerHeaders: Bytes): SessionOptions {
  const maxHeaderListSize = 2 * answerHeaders + 128 * fieldOverhead
  return {
    settings: { enablePush: false, maxHeaderListSize },
    maxHeaderListPairs: Math.ceil(maxHeaderListSize / fieldOverhead),
    // MB of frames and header blocks; the buffers of streams are bounded by their windows.
    maxSessionMemory: 64,
    // The gateway has limited the heads of requests already.
    maxSendHeaderBlockLength: 2 ** 31 - 1,
    maxSettings: 16,
    // Repeated fields are passed on, over HTTP/1 and HTTP/2 alike.
    strictSingleValueFields: false,
  }
}
