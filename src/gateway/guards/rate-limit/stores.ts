/**
 * The stores of all generations of a thread. Generations with equal settings share one, so that a reload keeps its
 * connection.
 */

import { isDeepStrictEqual } from 'node:util'
import type { RateLimitStorePlan } from '../../../plan/model/guards.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { sleep } from '../../../shared/time/timer.ts'
import { FleetLimits, type FleetOptions, type StoreState } from './fleet.ts'
import { fleetLimiterOf, type Limiter, limiterOf } from './limiter.ts'

/** `id`: of one store in use; two may have the same address. */
export type StoreEvent = StoreState & { readonly id: number }

export interface StoresOptions extends Omit<FleetOptions, 'stateChanged'> {
  stateChanged(event: StoreEvent): void
}

/** A generation's use of a store. */
export interface LimiterLease {
  readonly limiter: Limiter
  /** Resolves when the store is connected or known to be away, or after a second. */
  readonly settled: Promise<unknown>
  /** Closes the store if no other lease holds it. */
  release(): void
}

/** How long a generation waits for its store: an absent one must not delay a reload. */
const settling: Milliseconds = 1_000

interface SharedStore {
  readonly plan: RateLimitStorePlan
  readonly fleet: FleetLimits
  leases: number
}

export class Stores {
  readonly #options: StoresOptions
  readonly #stores = new Set<SharedStore>()
  #lastId = 0

  constructor(options: StoresOptions) {
    this.#options = options
  }

  /** Without a plan this replica counts alone. */
  lease(plan: RateLimitStorePlan | undefined): LimiterLease {
    if (!plan) return { limiter: limiterOf(this.#options.table), settled: Promise.resolve(), release: () => {} }
    const store = [...this.#stores].find((one) => isDeepStrictEqual(one.plan, plan)) ?? this.#open(plan)
    store.leases += 1
    let leased = true
    return {
      limiter: fleetLimiterOf(store.fleet),
      settled: Promise.race([store.fleet.settled, sleep(settling)]),
      release: () => {
        if (leased) this.#release(store)
        leased = false
      },
    }
  }

  close(): void {
    for (const { fleet } of this.#stores) fleet.close()
    this.#stores.clear()
  }

  #open(plan: RateLimitStorePlan): SharedStore {
    this.#lastId += 1
    const id = this.#lastId
    const { stateChanged, ...options } = this.#options
    const fleet = new FleetLimits(plan, { ...options, stateChanged: (state) => stateChanged({ id, ...state }) })
    const store = { plan, fleet, leases: 0 }
    this.#stores.add(store)
    return store
  }

  #release(store: SharedStore): void {
    store.leases -= 1
    if (store.leases > 0 || !this.#stores.delete(store)) return
    store.fleet.close()
  }
}
