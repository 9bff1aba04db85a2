import { once } from 'node:events'
import { createServer } from 'node:net'
import { listenError } from '../../gateway/listen/listener.ts'
import type { ListenerPlan } from '../../plan/model/plan.ts'
import type { Log } from '../../shared/log.ts'
import { listeningSockets, openSockets, ownerOf } from '../../shared/net/port-owner.ts'
import { lockPort, type PortLock } from './port-lock.ts'

type Address = Pick<ListenerPlan, 'name' | 'host' | 'port'>

/** Addresses that are free, and that no other Gatehouse takes before they are ours. */
export interface AddressClaim<Listener extends Address> {
  /** As they were asked for, with the port that each will have. */
  readonly listeners: readonly Listener[]
  /** To be called when all of them are open, or will not be. */
  release(): void
}

/**
 * Makes sure that every listener's address is free, and gives each listener on port 0 the port it will have. Rejects with
 * `address-in-use` or `address-unavailable`, of several with an AggregateError of all.
 *
 * `held` are the listeners that this process has open already: their addresses are not asked for again. What they have is told
 * apart from what others have by host and port, also where a new host takes in that of a listener of ours.
 */
export async function reserveAddresses<Listener extends Address>(
  asked: readonly Listener[],
  held: readonly Address[],
  log: Log,
): Promise<AddressClaim<Listener>> {
  const locks = new Map<number, PortLock | undefined>()
  const lock = async (port: number) => void (locks.has(port) || locks.set(port, await lockPort(port, log)))
  const release = () => {
    for (const one of locks.values()) one?.release()
  }
  const ports = new Map<Listener, number>()
  const refusals: unknown[] = []
  for (const listener of asked.toSorted(inLockOrder)) {
    try {
      ports.set(listener, await claimOne(listener, held, lock))
    } catch (error) {
      refusals.push(error)
    }
  }
  if (refusals.length > 0) {
    release()
    throw refusals.length === 1 ? refusals[0] : new AggregateError(refusals)
  }
  return { listeners: asked.map((one) => ({ ...one, port: ports.get(one) ?? one.port })), release }
}

/** The same everywhere: of two who want the same ports none waits for the other's second one with the first in its hand. Spare ones come last. */
function inLockOrder(a: Address, b: Address): number {
  return (a.port || Number.POSITIVE_INFINITY) - (b.port || Number.POSITIVE_INFINITY) || 0
}

type Lock = (port: number) => Promise<void>

/** The port that it will have. */
async function claimOne(listener: Address, held: readonly Address[], lock: Lock): Promise<number> {
  const { name, host, port } = listener
  if (port === 0) {
    const own = held.find((one) => one.name === name && one.host === host)
    return own ? own.port : claimSpare(listener, lock)
  }
  if (held.some((one) => one.port === port && one.host === host)) return port
  await lock(port)
  return bindOnce(listener)
}

/** A port that the kernel gives twice in a row: between the two, nobody but us may take it. */
async function claimSpare(listener: Address, lock: Lock): Promise<number> {
  for (let triesLeft = 10; ; triesLeft -= 1) {
    const port = await bindOnce(listener)
    await lock(port)
    try {
      return await bindOnce({ ...listener, port })
    } catch (error) {
      if (triesLeft === 0) throw error
    }
  }
}

/**
 * Binds without SO_REUSEPORT, which fails if anybody listens on an address that this one would meet. We ourselves may: on another
 * host, or with a listener that a reload has just taken away.
 */
async function bindOnce(listener: Address): Promise<number> {
  try {
    return await bind(listener)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw listenError(listener, error)
    const [sockets, ours] = await Promise.all([listeningSockets(listener.port, listener.host), openSockets('self')])
    const others = sockets.filter((socket) => !ours.has(socket))
    if (sockets.length > 0 && others.length === 0) return listener.port
    throw listenError(listener, error, await ownerOf(others))
  }
}

async function bind({ host, port }: Address): Promise<number> {
  const server = createServer().listen({ host, port, exclusive: true })
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : port
}
