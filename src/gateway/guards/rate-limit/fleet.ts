/**
 * Limits that all replicas share: what our own table does not refuse is counted by Redis. While Redis is late or away the
 * table counts alone, and nobody waits: that a limit holds for each replica only is better than a late or refused request.
 */

import type { RateLimitStorePlan } from '../../../plan/model/guards.ts'
import { storeAddress } from '../../../plan/model/guards.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import { answerWithin, openRedisLink, type RedisLink } from './redis-link.ts'
import { troubleOf } from './store-trouble.ts'
import { type Allowance, type RateLimitTable, sharedNow } from './table.ts'

/** `closed`: nobody asks it any more. */
export interface StoreState {
  /** `host:port`. */
  readonly address: string
  readonly state: 'counting' | 'away' | 'closed'
  /** Why it is away. */
  readonly trouble?: string
}

export interface FleetOptions {
  readonly table: RateLimitTable
  /** Called whenever it changes. */
  stateChanged(state: StoreState): void
  /** A request was counted by this replica alone. */
  countedAlone(): void
}

/** A key, as our table and as Redis know it. */
export interface FleetKey {
  readonly own: string
  readonly shared: string
}

/** One that Redis has not answered. */
interface Question {
  /** How often it had been looked at the questions when it was asked. */
  readonly look: number
  /** Its request waits no longer. */
  giveUp(): void
}

/**
 * Looks are counted, not time: where this thread is busy or starved, that is no fault of Redis. A Redis may be late while it
 * forks, or runs another client's slow command; after a second it is lost.
 */
const lookEvery: Milliseconds = 25
const lateAfter = answerWithin / lookEvery
const lostAfter = 1_000 / lookEvery

/** How long an absent Redis is left alone: doubled each time, until it has been there for `proven`. */
const pause = { first: 250, longest: 5_000 }
const proven: Milliseconds = 10_000

export class FleetLimits {
  /** Resolves when Redis counts, or is known to be away. */
  readonly settled: Promise<void>
  readonly #plan: RateLimitStorePlan
  readonly #options: FleetOptions
  readonly #closing = new AbortController()
  /** The oldest first: Redis answers in this order. */
  readonly #questions = new Set<Question>()
  #link: RedisLink | undefined
  #since: Milliseconds = 0
  #pause = pause.first
  #looks = 0
  #watching = false
  #late = false
  #timer: NodeJS.Timeout | undefined

  constructor(plan: RateLimitStorePlan, options: FleetOptions) {
    this.#plan = plan
    this.#options = options
    this.settled = this.#reach()
  }

  /** Counts one request. 0: it is within the allowance; else the milliseconds until the key's window is over. */
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
      const question = { look: this.#looks, giveUp }
      this.#questions.add(question)
      this.#watch()
      link.take(key.shared, allowance).then(
        ({ allowed, count, left }) => {
          if (!this.#questions.delete(question)) return
          if (this.#questions.size === 0) this.#late = false
          // Counted from before it was asked, so that our table never refuses for longer than Redis would.
          this.#options.table.learn(key.own, count, since + left)
          waiting = false
          resolve(allowed ? 0 : Math.max(left, 1))
        },
        (error) => this.#lose(link, error),
      )
    })
  }

  /** One timer for all questions, as long as there are any: it looks at the oldest. */
  #watch(): void {
    if (this.#watching) return
    this.#watching = true
    // Answers that came while this thread was busy are read first.
    this.#timer = setTimeout(() => setImmediate(() => this.#look()), lookEvery)
  }

  #look(): void {
    this.#watching = false
    this.#looks += 1
    const [oldest] = this.#questions
    if (!oldest || !this.#link) return
    const looks = this.#looks - oldest.look
    if (looks >= lostAfter) return void this.#lose(this.#link, new Error('it did not answer within 1 s'))
    if (looks >= lateAfter) {
      this.#late = true
      // Those behind it wait for the same Redis.
      for (const question of this.#questions) question.giveUp()
    }
    this.#watch()
  }

  #lose(link: RedisLink, error: Error): void {
    if (link !== this.#link) return
    this.#leave()
    if (performance.now() - this.#since > proven) this.#pause = pause.first
    this.#away(error)
  }

  /** Nobody waits for it any longer. */
  #leave(): void {
    this.#link?.close()
    this.#link = undefined
    this.#late = false
    for (const question of this.#questions) question.giveUp()
    this.#questions.clear()
  }

  #away(error: unknown): void {
    this.#report({ state: 'away', trouble: troubleOf(error, this.#plan) })
    clearTimeout(this.#timer)
    this.#watching = false
    // Not all replicas and threads at the same moment.
    this.#timer = setTimeout(() => void this.#reach(), this.#pause * (0.75 + Math.random() / 2))
    this.#pause = Math.min(2 * this.#pause, pause.longest)
  }

  async #reach(): Promise<void> {
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
