/**
 * Who may open a port. Our threads listen with SO_REUSEPORT, and the kernel lets every process of the same user join them: so between
 * the look whether a port is free and the moment at which we listen on it, no other Gatehouse may look. See docs/adr/0025-claims.md.
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

/** Longer than the slowest start takes from its look to its last listener. */
const patience: Milliseconds = 30_000
const betweenTries: Milliseconds = 20

/**
 * Waits until nobody else of this user opens a listener on this port. The lock is an abstract Unix socket (unix(7)): binding one is
 * atomic, it ends with its process, and like the port it belongs to the network namespace, whatever file systems its holders see.
 * Where it cannot be had in time, or there are none (not on Linux), there is no lock: what listens by then is found all the same.
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
      const why = refused.code === 'EADDRINUSE' ? 'another process claims to open it, too' : messageOf(refused)
      log.warn(`port ${port} is opened without a lock: ${why}`, { port })
      return undefined
    }
    await pause(betweenTries)
  }
}
