import { once } from 'node:events'
import { createServer } from 'node:net'
import { listenError } from '../../gateway/listen/listen-error.ts'
import type { ListenerPlan } from '../../plan/model/plan.ts'
import type { Log } from '../../shared/log.ts'
import { listeningSockets, openSockets, ownerOf } from '../../shared/net/port-owner.ts'
import { lockPort, type PortLock } from './port-lock.ts'

type Address = Pick<ListenerPlan, 'name' | 'host' | 'port'>

/** Addresses that are free, and that no other Gatehouse opens meanwhile. */
export interface AddressReservation<Listener extends Address> {
  /** The listeners that were asked for, with their final ports. */
  readonly listeners: readonly Listener[]
  /** To be called when all of them are open, or are not going to be. */
  release(): void
}

/**
 * Makes sure that the address of every listener is free, and picks a port for those on port 0. Rejects with
 * `address-in-use` or `address-unavailable`; several failures come as an AggregateError.
 *
 * `held`: the listeners that this process has open already. Their addresses are not checked again. Other sockets of
 * ours and those of other processes are distinguished by host and port, also where a new host covers the host of a
 * listener of ours.
 */
export async function reserveAddresses<Listener extends Address>(
  configured: readonly Listener[],
  held: readonly Address[],
  log: Log,
): Promise<AddressReservation<Listener>> {
  const locks = new Map<number, PortLock | undefined>()
  const lock = async (port: number) => void (locks.has(port) || locks.set(port, await lockPort(port, log)))
  const release = () => {
    for (const one of locks.values()) one?.release()
  }
  const ports = new Map<Listener, number>()
  const refusals: unknown[] = []
  for (const listener of configured.toSorted(inLockOrder)) {
    try {
      ports.set(listener, await reservePort(listener, held, lock))
    } catch (error) {
      refusals.push(error)
    }
  }
  if (refusals.length > 0) {
    release()
    throw refusals.length === 1 ? refusals[0] : new AggregateError(refusals)
  }
  return { listeners: configured.map((one) => ({ ...one, port: ports.get(one) ?? one.port })), release }
}

/** The same order in every process, so that two that want the same ports cannot deadlock. Port 0 comes last. */
function inLockOrder(a: Address, b: Address): number {
  return (a.port || Number.POSITIVE_INFINITY) - (b.port || Number.POSITIVE_INFINITY) || 0
}

type Lock = (port: number) => Promise<void>

async function reservePort(listener: Address, held: readonly Address[], lock: Lock): Promise<number> {
  const { name, host, port } = listener
  if (port === 0) {
    const own = held.find((one) => one.name === name && one.host === host)
    return own ? own.port : reserveSparePort(listener, lock)
  }
  if (held.some((one) => one.port === port && one.host === host)) return port
  await lock(port)
  return bindOnce(listener)
}

/** Lets the kernel pick a port, locks it, and checks that it is still free. */
async function reserveSparePort(listener: Address, lock: Lock): Promise<number> {
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
 * Binds without SO_REUSEPORT, which fails if any process listens on an overlapping address. Our own sockets are
 * allowed: on another host, or of a listener that a reload has just removed.
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
