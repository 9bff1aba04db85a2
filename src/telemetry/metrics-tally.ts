/**
 * Counters in shared memory, which one thread writes and another reads: counting is a plain addition, reading does not
 * disturb the writer, and the counts of a thread remain after its end.
 */

/** A row of numbers with a meaning: one cell for a count, several for a histogram. */
export interface Series {
  readonly metric: TalliedMetric
  /** In the order of the metric's label names. */
  readonly labels: readonly string[]
  readonly first: number
}

/** Upper bounds in seconds. From a file in memory to a slow action of a backend. */
export const durationBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export type TalliedMetric =
  | 'requests'
  | 'durations'
  | 'bytesSent'
  | 'bytesReceived'
  | 'upstreamErrors'
  | 'open'
  | 'refusedConnections'
  | 'countedAlone'

/** How many cells a series has. A histogram: one for each bucket, the one without bound, the sum. */
export function widthOf(metric: TalliedMetric): number {
  return metric === 'durations' ? durationBuckets.length + 2 : 1
}

/** Room for tens of thousands of series. The system allocates only pages that are written. */
const bytes = 4 * 1024 * 1024

/** The writer's side. */
export class Tally {
  readonly #cells: Float64Array
  readonly #opened: (series: Series) => void
  /** The first cells are for series that no longer fit. */
  #next = durationBuckets.length + 2

  /** `opened` is called for each new series before anything is added to it. */
  constructor(memory: SharedArrayBuffer, opened: (series: Series) => void) {
    this.#cells = new Float64Array(memory)
    this.#opened = opened
  }

  /** Allocates a series; returns its first cell. */
  open(metric: TalliedMetric, labels: readonly string[]): number {
    const first = this.#next
    const end = first + widthOf(metric)
    if (end > this.#cells.length) return 0
    this.#next = end
    this.#opened({ metric, labels, first })
    return first
  }

  add(cell: number, amount: number): void {
    this.#cells[cell] = (this.#cells[cell] ?? 0) + amount
  }
}

/** The reader's side: the series of one thread. */
export class TallyBook {
  readonly memory = new SharedArrayBuffer(bytes)
  readonly #cells = new Float64Array(this.memory)
  readonly #series: Series[] = []

  enter(series: Series): void {
    this.#series.push(series)
  }

  /** Adds all series to the sums. `gauges`: also those that are meaningless after the end of the thread. */
  addTo(sums: Sums, gauges: boolean): void {
    for (const { metric, labels, first } of this.#series) {
      if (metric === 'open' && !gauges) continue
      sums.add(metric, labels, this.#cells.subarray(first, first + widthOf(metric)))
    }
  }
}

/** Cells of the same meaning, added up over threads. */
export class Sums {
  readonly #rows = new Map<string, { metric: TalliedMetric; labels: readonly string[]; cells: Float64Array }>()

  add(metric: TalliedMetric, labels: readonly string[], cells: Float64Array): void {
    const key = JSON.stringify([metric, ...labels])
    const row = this.#rows.get(key)
    if (row) for (const [index, value] of cells.entries()) row.cells[index] = (row.cells[index] ?? 0) + value
    else this.#rows.set(key, { metric, labels, cells: Float64Array.from(cells) })
  }

  addAll(other: Sums): void {
    for (const { metric, labels, cells } of other.#rows.values()) this.add(metric, labels, cells)
  }

  of(metric: TalliedMetric): { readonly labels: readonly string[]; readonly cells: Float64Array }[] {
    return [...this.#rows.values()].filter((row) => row.metric === metric)
  }
}
