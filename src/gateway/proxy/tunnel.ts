import type { Socket } from 'node:net'
import type { Milliseconds } from '../../shared/time/duration.ts'

/**
 * Bytes both ways, with backpressure. An end is passed on as an end, and the other side may go on for as long as it sends:
 * until it is `quiet` for so long. Whatever else closes one side resets the other: what came so far must not look whole. Both
 * sockets must allow to be half open.
 */
export function joinSockets(one: Socket, other: Socket, quiet: Milliseconds): void {
  bind(one, other, quiet)
  bind(other, one, quiet)
}

function bind(from: Socket, to: Socket, quiet: Milliseconds): void {
  from.pipe(to)
  from.on('end', () => to.setTimeout(quiet, () => to.destroy()))
  from.on('error', () => reset(to))
  from.on('close', () => {
    if (from.readableEnded) to.destroySoon()
    else reset(to)
  })
}

/** Node's own place for the connection below TLS. */
interface Layered {
  readonly _parent?: Socket | null
}

/** A client's TLS is reset below it. A Unix socket knows no reset, and below TLS that we began Node lets nobody reach: both end. */
function reset(socket: Socket): void {
  if (socket.destroyed) return
  const wire = 'encrypted' in socket ? (socket as Layered)._parent : socket
  if (wire?.remoteAddress === undefined) socket.destroy()
  else wire.resetAndDestroy()
}
