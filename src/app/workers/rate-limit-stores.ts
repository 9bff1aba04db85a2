/** What the gateway threads say of the store of their rate limits, told as one: there is one outage, however many notice it. */
import type { StoreNews } from '../../gateway/guards/rate-limit/stores.ts'
import type { Log } from '../../shared/log.ts'
import { formatDuration } from '../../shared/time/duration.ts'

/** Who says it; what a thread that is over has said counts no more. */
interface Speaker {
  readonly state: string
}

export class StoreWatch {
  readonly #log: Log
  readonly #latest = new Map<Speaker, Map<number, StoreNews>>()
  /** The outage that was told of. */
  #outage: { readonly address: string; readonly since: number } | undefined
  /** Where it was last said that requests are counted. */
  #said: string | undefined

  constructor(log: Log) {
    this.#log = log
  }

  heard(thread: Speaker, news: StoreNews): void {
    const stores = this.#latest.get(thread) ?? new Map<number, StoreNews>()
    this.#latest.set(thread, stores)
    if (news.state === 'closed') stores.delete(news.id)
    else stores.set(news.id, news)
    this.#tell()
  }

  /** Whether the limits are those of all replicas; undefined: no thread has a store. */
  get counting(): boolean | undefined {
    const all = this.#present()
    return all.length === 0 ? undefined : all.every(({ state }) => state === 'counting')
  }

  /** For the status; empty while all is well. */
  troubles(): readonly string[] {
    const away = this.#away
    return away ? [troubleWith(away)] : []
  }

  get #away(): StoreNews | undefined {
    return this.#present().find(({ state }) => state === 'away')
  }

  #tell(): void {
    const away = this.#away
    if (away) {
      if (!this.#outage) this.#log.warn(troubleWith(away), { store: 'away' })
      this.#outage ??= { address: away.address, since: performance.now() }
      this.#said = undefined
      return
    }
    const outage = this.#outage
    this.#outage = undefined
    const [counting] = this.#present()
    if (!counting) return
    const where = `the Redis at ${counting.address}`
    // A reload may have named another instead.
    if (outage?.address === counting.address) {
      const duration = Math.round(performance.now() - outage.since)
      const words = `rate limits are those of all replicas again: ${where} is back after ${formatDuration(duration)}`
      this.#log.info(words, { store: 'back', duration })
    } else if (this.#said !== where) this.#log.info(`rate limits are counted by ${where}`, { store: 'counting' })
    this.#said = where
  }

  #present(): readonly StoreNews[] {
    for (const thread of this.#latest.keys()) if (thread.state === 'over') this.#latest.delete(thread)
    return [...this.#latest.values()].flatMap((stores) => [...stores.values()])
  }
}

function troubleWith({ address, trouble }: StoreNews): string {
  return `this replica counts its rate limits alone: the Redis at ${address} is away: ${trouble}`
}
