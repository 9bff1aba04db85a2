import { Sums } from '../../telemetry/metrics-tally.ts'
import type { GatewayWorker } from './worker.ts'

/**
 * Adds up what gateway threads have counted. The counts of a thread that ended stay in the sums: they never decrease.
 */
export class WorkerMetrics {
  readonly #present = new Set<GatewayWorker>()
  readonly #past = new Sums()

  add(worker: GatewayWorker): void {
    this.#settle()
    this.#present.add(worker)
  }

  sums(): Sums {
    this.#settle()
    const sums = new Sums()
    sums.addAll(this.#past)
    for (const { tally } of this.#present) tally?.addTo(sums, true)
    return sums
  }

  #settle(): void {
    for (const worker of this.#present) {
      if (worker.state !== 'over') continue
      worker.tally?.addTo(this.#past, false)
      this.#present.delete(worker)
    }
  }
}
