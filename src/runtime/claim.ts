import { createServer } from 'node:net'
import { listenError } from '../gateway/listener.ts'
import type { ListenerPlan } from '../plan/types.ts'

/**
 * Makes sure that every listener's address is free, and gives each listener on port 0 the port it will have.
 * Threads listen with SO_REUSEPORT, under which a second Gatehouse would silently share the port; so each address is bound once
 * without it here, before anything is started. Rejects with `address-in-use` or `address-unavailable`.
 *
 * `held` are the listeners that this process has open already: their ports are not asked for again.
 */
export async function claimAddresses(
  asked: readonly ListenerPlan[],
  held: readonly ListenerPlan[] = [],
): Promise<readonly ListenerPlan[]> {
  const claimed: ListenerPlan[] = []
  for (const listener of asked) {
    const own = held.find(({ name, host }) => name === listener.name && host === listener.host)
    if (listener.port === 0 && own) claimed.push({ ...listener, port: own.port })
    else if (held.some(({ port }) => port === listener.port)) claimed.push(listener)
    else claimed.push({ ...listener, port: await bindOnce(listener) })
  }
  return claimed
}

function bindOnce(listener: ListenerPlan): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error) => reject(listenError(listener, error)))
    server.listen({ host: listener.host, port: listener.port, exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : listener.port))
    })
  })
}
