/**
 * Limits that all replicas share: what the local table does not refuse is counted by Redis. While Redis is slow or
 * away, the table counts alone and no request waits: a limit per replica is better than a late or refused request.
 */

import type { RateLimitStorePlan } from '../../../plan/model/guards.ts'
import { storeAddress } from '../../../plan/model/guards.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import { answerWithin, openRedisLink, type RedisLink } from './redis-link.ts'
import { describeStoreError } from './store-errors.ts'
import { type Allowance, type RateLimitTable, sharedNow } from './table.ts'

/** `closed`: no longer in use. */
export interface StoreState {
  /** `host:port`. */
  readonly address: string
  readonly state: 'counting' | 'away' | 'closed'
  /** Why it is `away`. */
  readonly problem?: string
}

export interface FleetOptions {
  readonly table: RateLimitTable
  /** Called on every change. */
  stateChanged(state: StoreState): void
  /** A request was counted by this replica alone. */
  countedAlone(): void
}

/** A key in the local table and in Redis. */
export interface FleetKey {
  readonly own: string
  readonly shared: string
}

/** A query that Redis has not answered. */
interface Query {
  /** Number of checks before it was sent. */
  readonly sentAt: number
  /** Lets its request go on without an answer. */
  giveUp(): void
}

/**
 * Checks are counted, not time: if this thread is busy or starved, Redis is not to blame. Redis may be slow while it
 * forks or runs another client's slow command; after a second the connection is given up.
 */
const checkEvery: Milliseconds = 25
const lateAfter = answerWithin / checkEvery
const lostAfter = 1_000 / checkEvery

/** Backoff between attempts to connect: doubled each time, and reset after a connection has lasted for `proven`. */
const pause = { first: 250, longest: 5_000 }
const proven: Milliseconds = 10_000

export class FleetLimits {
  /** Resolves when the first attempt to connect has succeeded or failed. */
  readonly settled: Promise<void>
  readonly #plan: RateLimitStorePlan
  readonly #options: FleetOptions
  readonly #closing = new AbortController()
  /** The oldest first: Redis answers in this order. */
  readonly #queries = new Set<Query>()
  #link: RedisLink | undefined
  #since: Milliseconds = 0
  #pause = pause.first
  #checks = 0
  #watching = false
  #late = false
  #timer: NodeJS.Timeout | undefined

  constructor(plan: RateLimitStorePlan, options: FleetOptions) {
    this.#plan = plan
    this.#options = options
    this.settled = this.#connect()
  }

  /** Counts one request. 0: it is within the limit; else the milliseconds until the key's window is over. */
  take(key: FleetKey, allowance: Allowance): Milliseconds | Promise<Milliseconds> {
    const { table } = this.#options
    const link = this.#link
    if (!link || this.#late) return this.#takeAlone(key, allowance)
    const known = table.left(key.own, allowance)
    return known > 0 ? known : this.#ask(link, key, allowance)
  }

  close(): void {
    this.#closing.abort()
    clearTimeout(this.#timer)
    this.#leave()
    this.#report({ state: 'closed' })
  }

  #takeAlone({ own }: FleetKey, allowance: Allowance): Milliseconds {
    this.#options.countedAlone()
    return this.#options.table.take(own, allowance)
  }

  #ask(link: RedisLink, key: FleetKey, allowance: Allowance): Promise<Milliseconds> {
    return new Promise((resolve) => {
      const since = sharedNow()
      let waiting = true
      const giveUp = () => {
        if (waiting) resolve(this.#takeAlone(key, allowance))
        waiting = false
      }
      const query = { sentAt: this.#checks, giveUp }
      this.#queries.add(query)
      this.#watch()
      link.take(key.shared, allowance).then(
        ({ allowed, count, left }) => {
          if (!this.#queries.delete(query)) return
          if (this.#queries.size === 0) this.#late = false
          // From before the query, so that the local table never refuses for longer than Redis would.
          this.#options.table.learn(key.own, count, since + left)
          waiting = false
          resolve(allowed ? 0 : Math.max(left, 1))
        },
        (error) => this.#lose(link, error),
      )
    })
  }

  /** One timer for all queries, while there are any: it checks the oldest. */
  #watch(): void {
    if (this.#watching) return
    this.#watching = true
    // Answers that came while this thread was busy are read first.
    this.#timer = setTimeout(() => setImmediate(() => this.#check()), checkEvery)
  }

  #check(): void {
    this.#watching = false
    this.#checks += 1
    const [oldest] = this.#queries
    if (!oldest || !this.#link) return
    const checks = this.#checks - oldest.sentAt
    if (checks >= lostAfter) return void this.#lose(this.#link, new Error('no answer within 1 s'))
    if (checks >= lateAfter) {
      this.#late = true
      // All others wait for the same Redis.
      for (const query of this.#queries) query.giveUp()
    }
    this.#watch()
  }

  #lose(link: RedisLink, error: Error): void {
    if (link !== this.#link) return
    this.#leave()
    if (performance.now() - this.#since > proven) this.#pause = pause.first
    this.#away(error)
  }

  /** Closes the connection; pending requests go on without it. */
  #leave(): void {
    this.#link?.close()
    this.#link = undefined
    this.#late = false
    for (const query of this.#queries) query.giveUp()
    this.#queries.clear()
  }

  #away(error: unknown): void {
    this.#report({ state: 'away', problem: describeStoreError(error, this.#plan) })
    clearTimeout(this.#timer)
    this.#watching = false
    // Jitter, so that replicas and threads do not all connect at once.
    this.#timer = setTimeout(() => void this.#connect(), this.#pause * (0.75 + Math.random() / 2))
    this.#pause = Math.min(2 * this.#pause, pause.longest)
  }

  async #connect(): Promise<void> {
    const { signal } = this.#closing
    try {
      const link: RedisLink = await openRedisLink(this.#plan, { signal, lost: (error) => this.#lose(link, error) })
      if (signal.aborted) return link.close()
      this.#link = link
      this.#since = performance.now()
      this.#report({ state: 'counting' })
    } catch (error) {
      if (!signal.aborted) this.#away(error)
    }
  }

  #report(state: Omit<StoreState, 'address'>): void {
    this.#options.stateChanged({ address: storeAddress(this.#plan), ...state })
  }
}
