/**
 * The stores of rate limits as all gateway threads see them: one outage is reported once, however many threads notice
 * it.
 */
import type { StoreEvent } from '../../gateway/guards/rate-limit/stores.ts'
import type { Log } from '../../shared/log.ts'
import { formatDuration } from '../../shared/time/duration.ts'

/** A gateway thread; the reports of one that is over are forgotten. */
interface Reporter {
  readonly state: string
}

export class RateLimitStores {
  readonly #log: Log
  readonly #latest = new Map<Reporter, Map<number, StoreEvent>>()
  /** The outage that was logged. */
  #outage: { readonly address: string; readonly since: number } | undefined
  /** Where requests are counted, as it was logged last. */
  #logged: string | undefined

  constructor(log: Log) {
    this.#log = log
  }

  update(worker: Reporter, event: StoreEvent): void {
    const stores = this.#latest.get(worker) ?? new Map<number, StoreEvent>()
    this.#latest.set(worker, stores)
    if (event.state === 'closed') stores.delete(event.id)
    else stores.set(event.id, event)
    this.#report()
  }

  /** Whether requests are counted for all replicas together; undefined: no thread has a store. */
  get counting(): boolean | undefined {
    const all = this.#present()
    return all.length === 0 ? undefined : all.every(({ state }) => state === 'counting')
  }

  /** For the status; empty while all is well. */
  problems(): readonly string[] {
    const away = this.#away
    return away ? [problemWith(away)] : []
  }

  get #away(): StoreEvent | undefined {
    return this.#present().find(({ state }) => state === 'away')
  }

  #report(): void {
    const away = this.#away
    if (away) {
      if (!this.#outage) this.#log.warn(problemWith(away), { store: 'away' })
      this.#outage ??= { address: away.address, since: performance.now() }
      this.#logged = undefined
      return
    }
    const outage = this.#outage
    this.#outage = undefined
    const [counting] = this.#present()
    if (!counting) return
    const where = `Redis at ${counting.address}`
    // A reload may have named another store instead.
    if (outage?.address === counting.address) {
      const duration = Math.round(performance.now() - outage.since)
      const words = `${where} is back after ${formatDuration(duration)}: rate limits are shared by all replicas again`
      this.#log.info(words, { store: 'back', duration })
    } else if (this.#logged !== where) this.#log.info(`rate limits are counted by ${where}`, { store: 'counting' })
    this.#logged = where
  }

  #present(): readonly StoreEvent[] {
    for (const worker of this.#latest.keys()) if (worker.state === 'over') this.#latest.delete(worker)
    return [...this.#latest.values()].flatMap((stores) => [...stores.values()])
  }
}

function problemWith({ address, problem }: StoreEvent): string {
  return `Redis at ${address} is unavailable, so this replica counts its rate limits alone: ${problem}`
}
