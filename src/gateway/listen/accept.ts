/**
 * The listening sockets of a port. libuv accepts one connection per socket in a turn of its event loop: after a burst
 * of 300, with long turns, the next client would wait for 300 turns. So a thread opens several sockets on its port
 * (Linux, SO_REUSEPORT), among which the kernel spreads connections, and accepts as many per turn.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type ListenOptions, type Server, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { descriptorLimit } from '../../shared/system/descriptors.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { socketOptions } from './protocol-limits.ts'

const reusable = process.platform === 'linux'
/** One if file descriptors are scarce. */
const sockets = reusable && (descriptorLimit() ?? 1_024) >= 512 ? 8 : 1

/** How long a steady stream of connections may delay the closing of a port. */
const maxEmptyingTime: Milliseconds = 500

export interface Acceptor {
  readonly address: AddressInfo
  /**
   * Closes the port once its queues are empty, since connections in them would be reset. Resolves then; `closed` is
   * called when the last connection is over.
   */
  stop(closed: () => void): Promise<void>
  /** At once. */
  close(): void
}

/** Listens, and emits the connections on `server`; rejects with the system's error. */
export async function acceptOn(
  server: Server,
  { host, port }: Pick<ListenOptions, 'host' | 'port'>,
): Promise<Acceptor> {
  let accepted = 0
  server.on('connection', () => {
    accepted += 1
  })
  const address = await listen(server, { host, port })
  const others: Server[] = []
  try {
    while (others.length < sockets - 1) {
      // The options that Node uses for its own servers: TLS handles the end of its connections by itself.
      const other = createServer({ ...socketOptions, allowHalfOpen: !('setSecureContext' in server) })
      other.on('connection', (socket: Socket) => server.emit('connection', socket))
      others.push(other)
      await listen(other, { host, port: address.port })
      other.on('error', (error) => server.emit('error', error))
    }
  } catch (error) {
    for (const one of [server, ...others]) one.close()
    throw error
  }
  return {
    address,
    async stop(closed) {
      const deadline = performance.now() + maxEmptyingTime
      let before: number
      do {
        before = accepted
        // The current turn may be past its accept phase.
        await turn()
        await turn()
      } while (accepted !== before && performance.now() < deadline)
      let open = 1 + others.length
      for (const one of [server, ...others])
        one.close(() => {
          open -= 1
          if (open === 0) closed()
        })
    },
    close() {
      for (const one of [server, ...others]) one.close()
    },
  }
}

async function listen(server: Server, where: Pick<ListenOptions, 'host' | 'port'>): Promise<AddressInfo> {
  // Each socket has its own queue; the kernel may limit it further.
  server.listen({ ...where, reusePort: reusable, backlog: 4096 })
  await once(server, 'listening')
  return server.address() as AddressInfo
}
