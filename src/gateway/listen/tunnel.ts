import type { Socket } from 'node:net'
import type { Milliseconds } from '../../shared/duration.ts'

/**
 * Bytes both ways, with backpressure. An end is passed on as an end, and the other side may go on for as long as it sends:
 * until it is `quiet` for so long. A failure takes the other side with it. Both sockets must allow to be half open.
 */
export function joinSockets(one: Socket, other: Socket, quiet: Milliseconds): void {
  bind(one, other, quiet)
  bind(other, one, quiet)
}

function bind(from: Socket, to: Socket, quiet: Milliseconds): void {
  from.pipe(to)
  from.on('end', () => to.setTimeout(quiet, () => to.destroy()))
  from.on('error', () => to.destroy())
  from.on('close', () => to.destroySoon())
}
