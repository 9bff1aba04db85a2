/** The stores of all generations of a thread. One that two generations name is one, so that a reload connects nothing anew. */

import { isDeepStrictEqual } from 'node:util'
import type { RateLimitStorePlan } from '../../../plan/model/guards.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { sleep } from '../../../shared/time/timer.ts'
import { FleetLimits, type FleetOptions, type StoreState } from './fleet.ts'
import { fleetLimiterOf, type Limiter, limiterOf } from './limiter.ts'

/** `id`: of one connection's life; two may have one address. */
export type StoreNews = StoreState & { readonly id: number }

export interface StoresOptions extends Omit<FleetOptions, 'stateChanged'> {
  stateChanged(news: StoreNews): void
}

/** What a generation counts with. */
export interface LimiterLease {
  readonly limiter: Limiter
  /** Resolves when what it counts with is known, and soon in any case. */
  readonly settled: Promise<unknown>
  /** A store that no other lease holds is closed. */
  release(): void
}

/** How long a generation may be kept from its start: an absent store must not delay a reload. */
const settling: Milliseconds = 1_000

interface Held {
  readonly plan: RateLimitStorePlan
  readonly fleet: FleetLimits
  leases: number
}

export class Stores {
  readonly #options: StoresOptions
  readonly #held = new Set<Held>()
  #lastId = 0

  constructor(options: StoresOptions) {
    this.#options = options
  }

  /** Without a plan this thread's replica counts alone. */
  lease(plan: RateLimitStorePlan | undefined): LimiterLease {
    if (!plan) return { limiter: limiterOf(this.#options.table), settled: Promise.resolve(), release: () => {} }
    const held = [...this.#held].find((one) => isDeepStrictEqual(one.plan, plan)) ?? this.#open(plan)
    held.leases += 1
    let leased = true
    return {
      limiter: fleetLimiterOf(held.fleet),
      settled: Promise.race([held.fleet.settled, sleep(settling)]),
      release: () => {
        if (leased) this.#giveBack(held)
        leased = false
      },
    }
  }

  close(): void {
    for (const { fleet } of this.#held) fleet.close()
    this.#held.clear()
  }

  #open(plan: RateLimitStorePlan): Held {
    this.#lastId += 1
    const id = this.#lastId
    const { stateChanged, ...options } = this.#options
    const fleet = new FleetLimits(plan, { ...options, stateChanged: (state) => stateChanged({ id, ...state }) })
    const held = { plan, fleet, leases: 0 }
    this.#held.add(held)
    return held
  }

  #giveBack(held: Held): void {
    held.leases -= 1
    if (held.leases > 0 || !this.#held.delete(held)) return
    held.fleet.close()
  }
}
