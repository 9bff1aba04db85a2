import type { Socket } from 'node:net'
import type { Milliseconds } from '../../shared/time/duration.ts'

/**
 * Copies bytes both ways, with backpressure. An end is passed on as an end, and the other side may keep sending until
 * it is silent for `quiet`. Anything else that closes one side resets the other, so that what arrived does not look
 * complete. Both sockets must be opened with `allowHalfOpen`.
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
