/** What a start needs of its machine: all of it is asked for, so that whoever reads the log mends everything at once. */
import type { Certificates } from '../certificates/maintain.ts'
import { claimSocket, type SocketClaim } from '../control/socket.ts'
import type { ServedCertificate } from '../gateway/ports.ts'
import type { ListenerPlan, Plan } from '../plan/types.ts'
import type { Log } from '../shared/log.ts'
import { claimAddresses } from './claim.ts'

export interface Place {
  readonly socket: SocketClaim
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
export async function claimPlace(plan: Plan, certificates: Certificates, log: Log): Promise<Place> {
  const socket = await settled(claimSocket(plan.control.socket))
  const served = await settled(certificates.load())
  const addresses = await settled(claimAddresses(plan.gateway.listeners, [], log))
  // Only to be told with the rest: it is opened without SO_REUSEPORT, so nobody shares it.
  const metrics = await settled(claimAddresses(metricsAddress(plan), [], log))
  if ('value' in metrics) metrics.value.release()
  if ('value' in socket && 'value' in served && 'value' in addresses && 'value' in metrics) {
    const { listeners, release } = addresses.value
    return { socket: socket.value, served: served.value, listeners, opened: release }
  }
  if ('value' in addresses) addresses.value.release()
  if ('value' in socket) await socket.value.release()
  throw new AggregateError([socket, served, addresses, metrics].flatMap((one) => ('value' in one ? [] : [one.reason])))
}

async function settled<Value>(work: Promise<Value>): Promise<PromiseSettledResult<Value>> {
  const [result] = await Promise.allSettled([work])
  return result
}

function metricsAddress({ metrics }: Plan) {
  return metrics ? [{ name: 'metrics', ...metrics }] : []
}

/** Each fault that an error stands for. */
export function faultsOf(thrown: unknown): readonly unknown[] {
  return thrown instanceof AggregateError ? thrown.errors.flatMap(faultsOf) : [thrown]
}
