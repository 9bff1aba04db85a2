/**
 * What a start needs of its machine. All of it is tried, so that one look at the log shows everything that has to be
 * fixed.
 */
import type { Certificates } from '../../certificates/maintain.ts'
import { reserveSocket, type SocketReservation } from '../../control/socket.ts'
import type { ListenerPlan, Plan } from '../../plan/model/plan.ts'
import { makeOwnFolder } from '../../shared/files/own-folder.ts'
import type { Log } from '../../shared/log.ts'
import type { ServedCertificate } from '../../shared/served.ts'
import { reserveAddresses } from './reserve-addresses.ts'

export interface Resources {
  readonly socket: SocketReservation
  readonly served: readonly ServedCertificate[]
  /** With their final ports. */
  readonly listeners: readonly ListenerPlan[]
  /** To be called when all ports are open, or are not going to be. */
  opened(): void
}

/**
 * Reserves the control socket and the addresses, and loads certificates. Rejects with an AggregateError of everything
 * that fails; nothing stays reserved then. Ports come last, since other processes that want them have to wait.
 */
export async function reserveResources(plan: Plan, certificates: Certificates, log: Log): Promise<Resources> {
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
  // Nothing is read from a folder that belongs to another user.
  const isSafe = (path: string) => isOwn || !path.startsWith(`${ownFolder}/`)
  const socket = isSafe(control.socket) ? await tried(() => reserveSocket(control.socket)) : undefined
  const served = isSafe(storage) ? await tried(() => certificates.load()) : undefined
  const addresses = await tried(() => reserveAddresses(plan.gateway.listeners, [], log))
  // Only to report it with the rest: it is opened without SO_REUSEPORT, so it needs no lock.
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

/** The errors of an AggregateError, of nested ones too; any other error alone. */
export function faultsOf(thrown: unknown): readonly unknown[] {
  return thrown instanceof AggregateError ? thrown.errors.flatMap(faultsOf) : [thrown]
}
