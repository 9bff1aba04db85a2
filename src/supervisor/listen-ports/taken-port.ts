/**
 * Who listens where a program is about to. Otherwise its readiness probe is answered by the other one: it would be ready, end
 * because its port is taken, and be started again without pause or end, while requests go to a stranger.
 */
import { listeningSockets, ownerOf } from '../../shared/net/port-owner.ts'
import type { SpawnFailure } from '../spawn/spawn-failure.ts'
import { freePort } from './spare-ports.ts'

/**
 * Why the program must not be started yet, or undefined if nobody listens on this port of 127.0.0.1. Who does is told on Linux;
 * elsewhere the program has to find out by itself.
 */
export async function takenPort(port: number): Promise<SpawnFailure | undefined> {
  // The kernel first: its tables take milliseconds to read, and nearly every start finds its port free.
  if (await isFree(port)) return undefined
  const sockets = await listeningSockets(port, '127.0.0.1')
  if (sockets.length === 0) return undefined
  const owner = (await ownerOf(sockets)) ?? 'another program'
  return { reason: `found its port ${port} taken by ${owner}`, exitCode: 126, transient: true }
}

/** Whether it can be bound. Also because no table tells whether a socket of [::] takes IPv4, too (ipv6(7), IPV6_V6ONLY). */
async function isFree(port: number): Promise<boolean> {
  try {
    return (await freePort(port)) === port
  } catch {
    return false
  }
}
