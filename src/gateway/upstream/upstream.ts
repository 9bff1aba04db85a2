import type { Balance } from '../../plan/upstreams.ts'
import type { TargetStates } from '../ports.ts'
import type { Target } from './target.ts'

/** A target under the name by which health checks speak of it. */
export interface Member {
  /** Undefined: nobody knows yet where it is. */
  readonly target: Target | undefined
  /** Key in TargetStates. */
  readonly key: string
}

/** What a route's requests go to: one target, or a choice of several. */
export class Upstream {
  readonly name: string
  readonly #members: readonly Member[]
  readonly #order: Order
  readonly #states: () => TargetStates

  constructor(name: string, members: readonly Member[], balance: Balance, states: () => TargetStates) {
    this.name = name
    this.#members = members
    this.#order = orders[balance]()
    this.#states = states
  }

  /** The target for a request that has failed on those `tried`; undefined if all others are known to be down. */
  choose(tried?: readonly Target[]): Target | undefined {
    const members = this.#members
    // One that has no stand-in is tried whatever its requests have met: to leave it alone would help nobody.
    if (members.length === 1) return this.#unlessDown(members[0] as Member, tried)
    return this.#order(members, (member) => (member.target?.standing.out ? undefined : this.#unlessDown(member, tried)))
  }

  #unlessDown({ target, key }: Member, tried: readonly Target[] | undefined): Target | undefined {
    return !target || tried?.includes(target) || this.#states()[key]?.ready === false ? undefined : target
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
