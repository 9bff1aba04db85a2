import { portPlaceholder } from '../../plan/model/own-port.ts'
import type { OriginProxyPlan } from '../../plan/model/plan.ts'
import type { TargetStates } from '../../shared/target-states.ts'
import type { Dial, DialLimits } from './dial.ts'
import type { Target } from './target.ts'
import type { Member } from './upstream.ts'

/** Where targets are leased and released. */
export interface TargetStock {
  take(dial: Dial): Target
  release(target: Target): void
}

export function followsProcess({ origin }: OriginProxyPlan): boolean {
  return origin.includes(portPlaceholder)
}

/**
 * The target of a process whose port changes at each start. States change seldom and are read by every request, so the
 * target is replaced when they change. Connections to the previous port are closed when their requests are over.
 */
export class ProcessMember implements Member {
  readonly key: string
  target: Target | undefined
  readonly #plan: OriginProxyPlan
  readonly #limits: DialLimits
  readonly #stock: TargetStock

  constructor(plan: OriginProxyPlan, limits: DialLimits, stock: TargetStock) {
    this.key = plan.origin
    this.#plan = plan
    this.#limits = limits
    this.#stock = stock
  }

  follow(states: TargetStates): void {
    const { origin: pattern, process = '', timeouts } = this.#plan
    const port = states[process]?.port
    // Without a process the last port is kept: nothing is sent there, and the next start may take a while.
    if (port === undefined) return
    const origin = pattern.replace(portPlaceholder, String(port))
    const before = this.target
    if (before?.dial.origin === origin) return
    this.target = this.#stock.take({ origin, connect: timeouts.connect, ...this.#limits })
    if (before) this.#stock.release(before)
  }

  release(): void {
    if (this.target) this.#stock.release(this.target)
    this.target = undefined
  }
}
