import { once } from 'node:events'
import { createServer } from 'node:net'
import { messageOf } from '../../shared/errors.ts'
import { localFaultHint } from '../../shared/system/local-fault.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { SpawnFailure } from '../spawn/spawn-failure.ts'

/** A port is not given again for this long: the program may be slow to listen on it, or have just closed it. */
const reuseAfter: Milliseconds = 60_000

/** After this many ports in a row that were taken, something else is wrong. */
const attempts = 100

/**
 * Free ports of 127.0.0.1 for programs with `port: auto`. Between our check and the program's own listen(2) another
 * program may take the port; the program then fails, and its next start gets another one.
 */
export class SparePorts {
  readonly #reserved: () => Iterable<number>
  /** Port → when it was given (monotonic). */
  readonly #given = new Map<number, Milliseconds>()

  /** `reserved`: ports of other processes, whether or not they listen now. */
  constructor(reserved: () => Iterable<number>) {
    this.#reserved = reserved
  }

  /** Rejects as listen(2) does if the machine is short of something. */
  async take(): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort(0)
      const now = performance.now()
      for (const [given, at] of this.#given) if (now - at > reuseAfter) this.#given.delete(given)
      const taken = this.#given.has(port) || [...this.#reserved()].includes(port)
      if (taken && attempt < attempts) continue
      if (taken) throw Object.assign(new Error('no free port is left'), { code: 'EADDRINUSE' })
      this.#given.set(port, now)
      return port
    }
  }
}

/** The failure to get a port, as a failed start that is retried. */
export function outOfPorts(error: unknown): SpawnFailure {
  const reason = `could not get a free port: ${messageOf(error)}`
  const hint = localFaultHint(error)
  if (hint === undefined) return { reason, exitCode: 126, transient: true }
  return { reason: `${reason} (${hint})`, exitCode: 126, transient: true, local: true }
}

/**
 * Resolves with this port of 127.0.0.1 if it is free, else rejects as listen(2) does; for 0 the kernel chooses one
 * (ip(7), ip_local_port_range).
 */
export async function freePort(port: number): Promise<number> {
  const server = createServer()
  server.listen({ host: '127.0.0.1', port, exclusive: true })
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('a TCP server has an address with a port')
  return address.port
}
