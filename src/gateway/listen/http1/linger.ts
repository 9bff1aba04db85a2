/** How a connection over h1 is closed while its client may still be sending. */

import { Socket } from 'node:net'
import type { Bytes } from '../../../shared/bytes.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import { hasWaiting } from './pipeline.ts'

/** What a client that is still sending has to read its answer: so long without a byte, so long in all, so many bytes. */
const quiet: Milliseconds = 2_000
const whole: Milliseconds = 20_000
const most: Bytes = 64 * 1024 * 1024

const lingering = new WeakSet<Socket>()
/** Sockets on which more has come than will be read. */
const surplus = new WeakSet<Socket>()

/** What came on this connection behind its last request is not read: it is closed behind the answer to that one. */
export function expectSurplus(socket: Socket): void {
  surplus.add(socket)
}

/**
 * Ends our side, and reads and throws away what still comes until the client ends its own. To close with unread bytes would
 * reset the connection, and the reset may overtake the answer (RFC 9112 §9.6).
 */
export function lingerThenClose(socket: Socket): void {
  if (lingering.has(socket) || socket.destroyed) return
  lingering.add(socket)
  socket.end()
  // Not the parser: it would make requests of what comes behind the body.
  socket.removeAllListeners('data').removeAllListeners('readable')
  let left = most
  socket.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) socket.destroy()
  })
  socket.setTimeout(quiet, () => socket.destroy())
  const timer = setTimeout(() => socket.destroy(), whole)
  socket.once('close', () => clearTimeout(timer))
  socket.resume()
  // Node's parser reads by itself and leaves the stream in the belief that it does.
  socket._read(0)
}

/** Node's own place for what it knows of a connection over h1. */
interface Parsed {
  readonly parser?: { readonly incoming?: { readonly complete: boolean } | null } | null
}

/**
 * Makes every answer that ends its connection leave the client time to read it. Node closes through `destroySoon`, which
 * would do so at once.
 */
export function closeGently(socket: Socket): void {
  socket.destroySoon = destroySoon
}

function destroySoon(this: Socket): void {
  const incoming = (this as Parsed).parser?.incoming
  if ((incoming && !incoming.complete) || surplus.has(this) || hasWaiting(this)) lingerThenClose(this)
  else Socket.prototype.destroySoon.call(this)
}
