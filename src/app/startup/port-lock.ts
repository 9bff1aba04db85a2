/**
 * Locks a port while it is being opened. Our threads listen with SO_REUSEPORT, and the kernel lets every process of the
 * same user join them: between the check that a port is free and the moment at which we listen, no other Gatehouse may
 * check it. See docs/adr/0025-socket-and-port-locks.md.
 */

import { once } from 'node:events'
import { createServer } from 'node:net'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep as pause } from '../../shared/time/timer.ts'

export interface PortLock {
  release(): void
}

/** Longer than the slowest start takes from its check to its last listener. */
const patience: Milliseconds = 30_000
const betweenTries: Milliseconds = 20

/**
 * Waits until no other process of this user is opening this port. The lock is an abstract Unix socket (unix(7)):
 * binding one is atomic, it ends with its process, and like the port it belongs to the network namespace, whatever file
 * systems its holders see. Undefined after a timeout, or where there are no such sockets (not on Linux): a port in use
 * is then still detected, a race is not.
 */
export async function lockPort(port: number, log: Log): Promise<PortLock | undefined> {
  if (process.platform !== 'linux') return undefined
  const deadline = performance.now() + patience
  for (;;) {
    const server = createServer((socket) => socket.destroy()).unref()
    server.listen(`\0gatehouse/opens/${process.geteuid?.()}/${port}`)
    const refused = await once(server, 'listening').then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error,
    )
    if (!refused) return { release: () => void server.close() }
    if (refused.code !== 'EADDRINUSE' || performance.now() > deadline) {
      const why = refused.code === 'EADDRINUSE' ? 'another process is opening it as well' : messageOf(refused)
      log.warn(`opening port ${port} without a lock: ${why}`, { port })
      return undefined
    }
    await pause(betweenTries)
  }
}
