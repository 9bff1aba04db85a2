import type { ListenerPlan } from '../../plan/model/plan.ts'
import { GatehouseError, messageOf } from '../../shared/errors.ts'

/** `owner`: the program that uses the port, if known. */
export function listenError(
  plan: Pick<ListenerPlan, 'name' | 'host' | 'port'>,
  error: unknown,
  owner = 'another program (or another gatehouse)',
): GatehouseError {
  const place = `listener ${plan.name} cannot listen on ${plan.host ?? ''}:${plan.port}`
  const code = (error as { code?: unknown }).code
  if (code === 'EADDRINUSE') {
    const hint = 'stop it, or choose another address'
    return new GatehouseError('address-in-use', `${place}: ${owner} has this port; ${hint}`, { cause: error })
  }
  if (code === 'EACCES') {
    const hint = 'this user may not open ports below 1024; choose a higher one, or grant CAP_NET_BIND_SERVICE'
    return new GatehouseError('address-unavailable', `${place}: ${hint}`, { cause: error })
  }
  return new GatehouseError('address-unavailable', `${place}: ${messageOf(error)}`, { cause: error })
}
