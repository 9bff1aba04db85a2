/**
 * Finds the program that already listens on the port of one that is about to start. Otherwise the other one would
 * answer its readiness probe: it would get ready, exit because its port is taken, and be restarted at once for ever,
 * while requests go to a stranger.
 */
import { listeningSockets, ownerOf } from '../../shared/net/port-owner.ts'
import type { SpawnFailure } from '../spawn/spawn-failure.ts'
import { freePort } from './spare-ports.ts'

/**
 * Why the program must not be started yet, or undefined if this port of 127.0.0.1 is free. Only on Linux; elsewhere the
 * program finds out by itself.
 */
export async function takenPort(port: number): Promise<SpawnFailure | undefined> {
  // The kernel first: its tables take milliseconds to read, and nearly every start finds its port free.
  if (await isFree(port)) return undefined
  const sockets = await listeningSockets(port, '127.0.0.1')
  if (sockets.length === 0) return undefined
  const owner = (await ownerOf(sockets)) ?? 'another program'
  return { reason: `found its port ${port} taken by ${owner}`, exitCode: 126, transient: true }
}

/**
 * Whether it can be bound. Besides, no table tells whether a socket on [::] accepts IPv4, too (ipv6(7), IPV6_V6ONLY).
 */
async function isFree(port: number): Promise<boolean> {
  try {
    return (await freePort(port)) === port
  } catch {
    return false
  }
}
