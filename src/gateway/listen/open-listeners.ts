import type { ListenerPlan } from '../../plan/model/plan.ts'
import { type Listener, type ListenerEvents, openListener } from './listener.ts'
import type { SniChooser } from './tls/sni.ts'

/** Opens all of these ports, or none: rejects with the first reason, with nothing left open. */
export async function openListeners(
  plans: readonly ListenerPlan[],
  sni: (plan: ListenerPlan) => SniChooser,
  events: ListenerEvents,
): Promise<readonly Listener[]> {
  const results = await Promise.allSettled(plans.map((plan) => openListener(plan, sni(plan), events)))
  const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) {
    for (const listener of opened) listener.destroy()
    throw failed.reason
  }
  return opened
}

/** Whether a listener may stay open for another plan. */
export function samePort(a: ListenerPlan, b: ListenerPlan): boolean {
  return (
    a.name === b.name &&
    a.host === b.host &&
    a.port === b.port &&
    a.tls === b.tls &&
    a.proxyProtocol === b.proxyProtocol &&
    a.clientCertificates?.required === b.clientCertificates?.required
  )
}
