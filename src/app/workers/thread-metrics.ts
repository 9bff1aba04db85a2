import { Sums } from '../../telemetry/metrics-tally.ts'
import type { GatewayWorker } from './worker.ts'

/** Adds up what gateway threads have counted. What one that ended has counted stays in the sums: they never decrease. */
export class ThreadMetrics {
  readonly #present = new Set<GatewayWorker>()
  readonly #past = new Sums()

  add(thread: GatewayWorker): void {
    this.#settle()
    this.#present.add(thread)
  }

  sums(): Sums {
    this.#settle()
    const sums = new Sums()
    sums.addAll(this.#past)
    for (const { book } of this.#present) book?.addTo(sums, true)
    return sums
  }

  #settle(): void {
    for (const thread of this.#present) {
      if (thread.state !== 'over') continue
      thread.book?.addTo(this.#past, false)
      this.#present.delete(thread)
    }
  }
}
