import type { Balance, PassiveHealthPlan } from '../../plan/model/upstreams.ts'
import { messageOf } from '../../shared/errors.ts'
import type { TargetStates } from '../../shared/target-states.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { isBroken, statusOf } from './faults.ts'
import type { Target } from './target.ts'

/** A target under the name by which health checks speak of it. */
export interface Member {
  /** Undefined: nobody knows yet where it is. */
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
  /** Told of a target that is ejected. */
  ejected(ejection: Ejection): void
}

export interface Ejection {
  readonly upstream: string
  readonly target: string
  readonly cause: string
  readonly duration: Milliseconds
}

/** What a route's requests go to: one target, or a choice of several. */
export class Upstream {
  readonly #parts: UpstreamParts
  readonly #order: Order
  readonly #passiveHealth: PassiveHealthPlan | undefined

  constructor(parts: UpstreamParts) {
    this.#parts = parts
    this.#order = orders[parts.balance]()
    // The only target is never left alone, so nothing need be counted of it.
    this.#passiveHealth = parts.members.length > 1 ? parts.passiveHealth : undefined
  }

  get name(): string {
    return this.#parts.name
  }

  /**
   * The target for a request that has failed on those `tried`; undefined if all others are known to be down. One that is ejected is
   * chosen if nobody else is left: to leave the last ones alone would help nobody.
   */
  choose(tried?: readonly Target[]): Target | undefined {
    const { members } = this.#parts
    if (members.length === 1) return this.#unlessDown(members[0] as Member, tried)
    const sparing = members.some((member) => this.#unlessEjected(member, tried))
    return this.#order(members, (member) =>
      sparing ? this.#unlessEjected(member, tried) : this.#unlessDown(member, tried),
    )
  }

  /** A target could not be reached, or broke a new connection instead of answering on it. */
  connectionFailed(target: Target, error: Error): void {
    const passiveHealth = this.#passiveHealth
    if (passiveHealth && target.passiveHealth.connectionFailed(passiveHealth))
      this.#tell(target, passiveHealth, `${passiveHealth.failures} connection faults, the last: ${messageOf(error)}`)
  }

  /**
   * A target that was reached gave no whole answer. `explained`: it may have broken the connection for another reason than that it
   * is not well: an idle one is closed at any time, an upload is refused so, an answer is cut.
   */
  broke(target: Target, error: Error, explained: boolean): void {
    if (statusOf(error) === 504) this.answered(target, 504)
    else if (!explained && isBroken(error)) this.connectionFailed(target, error)
  }

  /** A target answered; 504 where it did not in time. */
  answered(target: Target, status: number): void {
    const passiveHealth = this.#passiveHealth
    if (passiveHealth && target.passiveHealth.answered(status, passiveHealth))
      this.#tell(target, passiveHealth, `${passiveHealth.errorRate?.percent} % of its answers or more were 5xx`)
  }

  /** A target whose check passes again is well, whatever requests met while it was down. */
  follow(before: TargetStates, now: TargetStates): void {
    for (const { key, target } of this.#parts.members)
      if (before[key]?.ready === false && now[key]?.ready) target?.passiveHealth.clear()
  }

  #tell(target: Target, { ejectFor }: PassiveHealthPlan, cause: string): void {
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
      // Among equals they take turns, or the first would get every request of a quiet hour.
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
