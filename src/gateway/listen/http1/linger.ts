/** Closes h1 connections whose client may still be sending. */

import { Socket } from 'node:net'
import type { Bytes } from '../../../shared/bytes.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import { hasWaiting } from './pipeline.ts'

/** Limits for a client that is still sending while it should read its answer: silence, total time, bytes. */
const quiet: Milliseconds = 2_000
const maxTime: Milliseconds = 20_000
const maxBytes: Bytes = 64 * 1024 * 1024

const lingering = new WeakSet<Socket>()
/** Sockets on which more has arrived than will be read. */
const surplus = new WeakSet<Socket>()

/** Bytes after the last request on this connection are not read: it is closed after the answer to that request. */
export function expectSurplus(socket: Socket): void {
  surplus.add(socket)
}

/**
 * Ends the gateway's side, and discards what still arrives until the client ends its own. Closing with unread bytes
 * would reset the connection, and the reset may overtake the answer (RFC 9112 §9.6).
 */
export function lingerThenClose(socket: Socket): void {
  if (lingering.has(socket) || socket.destroyed) return
  lingering.add(socket)
  socket.end()
  // Detach the parser, which would read requests from what follows the body.
  socket.removeAllListeners('data').removeAllListeners('readable')
  let left = maxBytes
  socket.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) socket.destroy()
  })
  socket.setTimeout(quiet, () => socket.destroy())
  const timer = setTimeout(() => socket.destroy(), maxTime)
  socket.once('close', () => clearTimeout(timer))
  socket.resume()
  // Node's parser reads the handle itself, and the stream still thinks that a read is pending.
  socket._read(0)
}

/** Where Node keeps the parser of an h1 connection. */
interface Parsed {
  readonly parser?: { readonly incoming?: { readonly complete: boolean } | null } | null
}

/**
 * Gives clients time to read an answer that ends its connection. Node closes through `destroySoon`, which would close
 * at once.
 */
export function closeGently(socket: Socket): void {
  socket.destroySoon = destroySoon
}

function destroySoon(this: Socket): void {
  const incoming = (this as Parsed).parser?.incoming
  if ((incoming && !incoming.complete) || surplus.has(this) || hasWaiting(this)) lingerThenClose(this)
  else Socket.prototype.destroySoon.call(this)
}
