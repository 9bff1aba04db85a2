import type { ProxyPlan } from '../../plan/model/plan.ts'
import type { TargetStates } from '../../shared/target-states.ts'
import { retryAfter } from '../proxy/retry.ts'
import { tunnel } from '../proxy/upgrade.ts'
import { UpstreamDispatch } from '../proxy/upstream-dispatch.ts'
import type { Exchange } from '../request/exchange.ts'
import { sendError } from '../response/respond.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** Forwards the exchange or its upgrade, and streams the answer back, with backpressure both ways. */
export function proxy(exchange: Exchange, plan: ProxyPlan, upstream: Upstream): void {
  if (exchange.upgrade) tunnel(exchange, exchange.upgrade, plan, upstream)
  else new UpstreamDispatch(exchange, upstream, plan).begin()
}

/** True if the process behind the route is ready; otherwise answers 503. */
export function processIsUp(exchange: Exchange, plan: ProxyPlan, states: TargetStates): boolean {
  if (!('process' in plan) || plan.process === undefined) return true
  const state = states[plan.process]
  if (state?.ready) return true
  sendError(exchange, 503, `process ${plan.process} is ${state?.phase ?? 'not started'}`, ['retry-after', retryAfter])
  return false
}
