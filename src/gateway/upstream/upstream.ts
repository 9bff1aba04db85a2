import type { Balance, PassiveHealthPlan } from '../../plan/model/upstreams.ts'
import { messageOf } from '../../shared/errors.ts'
import type { TargetStates } from '../../shared/target-states.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { isBroken, statusOf } from './faults.ts'
import type { Target } from './target.ts'

/** A target with the key of its health state. */
export interface Member {
  /** Undefined: its address is not known yet. */
  readonly target: Target | undefined
  /** Key in TargetStates. */
  readonly key: string
}

export interface UpstreamParts {
  readonly name: string
  readonly members: readonly Member[]
  readonly balance: Balance
  /** Absent: no target is ejected. */
  readonly passiveHealth?: PassiveHealthPlan | undefined
  states(): TargetStates
  /** Called when a target is ejected. */
  ejected(ejection: Ejection): void
}

export interface Ejection {
  readonly upstream: string
  readonly target: string
  readonly cause: string
  readonly duration: Milliseconds
}

/** Where a route's requests go: one target, or a choice of several. */
export class Upstream {
  readonly #parts: UpstreamParts
  readonly #order: Order
  readonly #passiveHealth: PassiveHealthPlan | undefined

  constructor(parts: UpstreamParts) {
    this.#parts = parts
    this.#order = orders[parts.balance]()
    // A single target is never ejected, so nothing is counted for it.
    this.#passiveHealth = parts.members.length > 1 ? parts.passiveHealth : undefined
  }

  get name(): string {
    return this.#parts.name
  }

  /**
   * The target for a request that has failed on those in `tried`; undefined if all others are known to be down. If only
   * ejected targets are left, one of them is chosen.
   */
  choose(tried?: readonly Target[]): Target | undefined {
    const { members } = this.#parts
    if (members.length === 1) return this.#unlessDown(members[0] as Member, tried)
    const someNotEjected = members.some((member) => this.#unlessEjected(member, tried))
    return this.#order(members, (member) =>
      someNotEjected ? this.#unlessEjected(member, tried) : this.#unlessDown(member, tried),
    )
  }

  /** A target could not be reached, or broke a new connection instead of answering on it. */
  connectionFailed(target: Target, error: Error): void {
    const passiveHealth = this.#passiveHealth
    if (passiveHealth && target.passiveHealth.connectionFailed(passiveHealth))
      this.#report(
        target,
        passiveHealth,
        `${passiveHealth.failures} connection failures, the last: ${messageOf(error)}`,
      )
  }

  /**
   * A target that was reached did not answer completely. `explained`: it may have closed the connection although it is
   * healthy, because it was idle, to refuse an upload, or to cut an answer.
   */
  broke(target: Target, error: Error, explained: boolean): void {
    if (statusOf(error) === 504) this.answered(target, 504)
    else if (!explained && isBroken(error)) this.connectionFailed(target, error)
  }

  /** A target answered; 504: it did not in time. */
  answered(target: Target, status: number): void {
    const passiveHealth = this.#passiveHealth
    if (passiveHealth && target.passiveHealth.answered(status, passiveHealth))
      this.#report(target, passiveHealth, `${passiveHealth.errorRate?.percent}% or more of its answers were 5xx`)
  }

  /** A target whose check passes again is healthy, whatever failed while it was down. */
  follow(before: TargetStates, now: TargetStates): void {
    for (const { key, target } of this.#parts.members)
      if (before[key]?.ready === false && now[key]?.ready) target?.passiveHealth.clear()
  }

  #report(target: Target, { ejectFor }: PassiveHealthPlan, cause: string): void {
    this.#parts.ejected({ upstream: this.name, target: target.dial.origin, cause, duration: ejectFor })
  }

  #unlessEjected(member: Member, tried: readonly Target[] | undefined): Target | undefined {
    return member.target?.passiveHealth.ejected ? undefined : this.#unlessDown(member, tried)
  }

  #unlessDown({ target, key }: Member, tried: readonly Target[] | undefined): Target | undefined {
    return !target || tried?.includes(target) || this.#parts.states()[key]?.ready === false ? undefined : target
  }
}

type Order = (members: readonly Member[], available: (member: Member) => Target | undefined) => Target | undefined

const orders: Readonly<Record<Balance, () => Order>> = {
  first: () => (members, available) => firstFrom(members, 0, available),
  random: () => (members, available) => firstOf(members.map(available), Math.random()),
  'round-robin': () => {
    let turn = -1
    return (members, available) => {
      turn = (turn + 1) % members.length
      return firstFrom(members, turn, available)
    }
  },
  'least-requests': () => {
    let turn = -1
    return (members, available) => {
      // Equal targets take turns, or the first would get every request of a quiet hour.
      turn = (turn + 1) % members.length
      let least: Target | undefined
      for (let i = 0; i < members.length; i++) {
        const target = available(members[(turn + i) % members.length] as Member)
        if (target && (!least || target.active < least.active)) least = target
      }
      return least
    }
  },
}

function firstFrom(
  members: readonly Member[],
  start: number,
  available: (member: Member) => Target | undefined,
): Target | undefined {
  for (let i = 0; i < members.length; i++) {
    const target = available(members[(start + i) % members.length] as Member)
    if (target) return target
  }
  return undefined
}

/** `chance` from 0 to below 1. */
function firstOf(targets: readonly (Target | undefined)[], chance: number): Target | undefined {
  const up = targets.filter((target) => target !== undefined)
  return up[Math.floor(chance * up.length)]
}
