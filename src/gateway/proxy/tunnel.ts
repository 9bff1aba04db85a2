import type { Socket } from 'node:net'
import type { Bytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { isOfKernel, readInto } from '../http1/own-buffer.ts'
import { keepPieces, releasePiece } from '../upstream/body-pieces.ts'

/** Messages up to this length are written as texts, which costs less than a buffer for each. */
const short: Bytes = 4_096

export interface TunnelOptions {
  /** How long a side may be silent after the other one has ended. */
  readonly quiet: Milliseconds
  /** Sees what the first side is about to get; the bytes are valid during the call only. */
  seen(bytes: Buffer): void
}

/**
 * Copies bytes both ways, with backpressure. An end is passed on as an end, and the other side may keep sending until
 * it is silent for `quiet`. Anything else that closes one side resets the other, so that what arrived does not look
 * complete. Both sockets must be opened with `allowHalfOpen`, and be read by nothing else. Returns a function after
 * whose call the first side gets nothing more.
 */
export function joinSockets(one: Socket, other: Socket, { quiet, seen }: TunnelOptions): () => void {
  let stopped = false
  copy(one, other, quiet)
  copy(other, one, quiet, (bytes) => {
    if (stopped) return false
    seen(bytes)
    return true
  })
  return () => {
    stopped = true
    other.resume()
  }
}

/** `passes`: whether these bytes are passed on; default: all are. */
function copy(from: Socket, to: Socket, quiet: Milliseconds, passes?: (bytes: Buffer) => boolean): void {
  readInto(from, (bytes) => {
    if (to.writable && (passes?.(bytes) ?? true) && !send(to, bytes)) from.pause()
  })
  to.on('drain', () => from.resume())
  from.on('end', () => {
    to.end()
    to.setTimeout(quiet, () => to.destroy())
  })
  from.on('error', () => reset(to))
  from.on('close', () => {
    if (from.readableEnded) to.destroySoon()
    else reset(to)
  })
  from.resume()
}

/** False: no more until `drain`. */
function send(to: Socket, bytes: Buffer): boolean {
  // Inside the process the other end gets the buffer itself.
  if (!isOfKernel(to)) return to.write(Buffer.from(bytes))
  if (bytes.length <= short) return to.write(bytes.toString('latin1'), 'latin1')
  const piece = keepPieces([bytes])
  return to.write(piece, () => releasePiece(piece))
}

/** Where Node keeps the connection below TLS. */
interface Layered {
  readonly _parent?: Socket | null
}

/**
 * Of a client's TLS, the connection below is reset. A Unix socket has no reset, and Node gives no access to the
 * connection below TLS that the gateway itself began: both are closed.
 */
function reset(socket: Socket): void {
  if (socket.destroyed) return
  const wire = 'encrypted' in socket ? (socket as Layered)._parent : socket
  if (wire?.remoteAddress === undefined) socket.destroy()
  else wire.resetAndDestroy()
}
