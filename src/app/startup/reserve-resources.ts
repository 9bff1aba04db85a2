/** What a start needs of its machine: all of it is asked for, so that whoever reads the log mends everything at once. */
import type { Certificates } from '../../certificates/maintain.ts'
import { reserveSocket, type SocketReservation } from '../../control/socket.ts'
import type { ListenerPlan, Plan } from '../../plan/model/plan.ts'
import { makeOwnFolder } from '../../shared/files/own-folder.ts'
import type { Log } from '../../shared/log.ts'
import type { ServedCertificate } from '../../shared/served.ts'
import { reserveAddresses } from './reserve-addresses.ts'

export interface Place {
  readonly socket: SocketReservation
  readonly served: readonly ServedCertificate[]
  /** With the ports that they will have. */
  readonly listeners: readonly ListenerPlan[]
  /** To be called when all ports are open, or will not be. */
  opened(): void
}

/**
 * Claims the control socket and the addresses, and has certificates loaded. Rejects with all that cannot be had, of several with an
 * AggregateError; nothing is claimed then. Ports come last: whoever else wants to open them waits from then on.
 */
export async function reserveResources(plan: Plan, certificates: Certificates, log: Log): Promise<Place> {
  const faults: unknown[] = []
  async function tried<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await work()
    } catch (error) {
      faults.push(...faultsOf(error))
      return undefined
    }
  }
  const { ownFolder, storage, control } = plan
  const isOwn = ownFolder === undefined || (await tried(() => makeOwnFolder(ownFolder).then(() => true)))
  // Nothing is looked for in a folder that is somebody else's.
  const isSafe = (path: string) => isOwn || !path.startsWith(`${ownFolder}/`)
  const socket = isSafe(control.socket) ? await tried(() => reserveSocket(control.socket)) : undefined
  const served = isSafe(storage) ? await tried(() => certificates.load()) : undefined
  const addresses = await tried(() => reserveAddresses(plan.gateway.listeners, [], log))
  // Only to be told with the rest: it is opened without SO_REUSEPORT, so nobody shares it.
  await tried(async () => (await reserveAddresses(metricsAddress(plan), [], log)).release())
  if (socket && served && addresses && faults.length === 0)
    return { socket, served, listeners: addresses.listeners, opened: addresses.release }
  addresses?.release()
  await socket?.release()
  throw new AggregateError(faults)
}

function metricsAddress({ metrics }: Plan) {
  return metrics ? [{ name: 'metrics', ...metrics }] : []
}

/** Each fault that an error stands for. */
export function faultsOf(thrown: unknown): readonly unknown[] {
  return thrown instanceof AggregateError ? thrown.errors.flatMap(faultsOf) : [thrown]
}
