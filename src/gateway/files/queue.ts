import type { Bytes } from '../../shared/bytes.ts'

/** Runs a few jobs at a time, so that the thread pool that they use has threads left for others. */
export interface Queue {
  /**
   * The result of the work, which runs before all work for `later`. Undefined if so much is waiting that this would
   * take too long. `weight` is in bytes.
   */
  soon<T>(work: () => Promise<T>, weight: Bytes): Promise<T> | undefined
  /** The same for work without a waiting client. */
  later<T>(work: () => Promise<T>, weight: Bytes): Promise<T> | undefined
}

export interface QueueOptions {
  readonly concurrency: number
  /** Limit of the bytes that wait, for `soon` and for `later` each. */
  readonly waiting: Bytes
}

/** The least weight of a job: the fixed cost of a small one. */
const leastWeight = 16 * 1024

export function createQueue({ concurrency, waiting }: QueueOptions): Queue {
  const soon = createLine(waiting)
  const later = createLine(waiting)
  let running = 0

  function run<T>(line: Line, work: () => Promise<T>, weight: Bytes): Promise<T> | undefined {
    if (running < concurrency) {
      running += 1
      return work().finally(startNext)
    }
    return line.join(weight)?.then(work).finally(startNext)
  }

  function startNext(): void {
    const next = soon.leave() ?? later.leave()
    if (next) next()
    else running -= 1
  }

  return {
    soon: (work, weight) => run(soon, work, weight),
    later: (work, weight) => run(later, work, weight),
  }
}

interface Line {
  /** Resolves when its turn has come; undefined if the line is too long. */
  join(weight: Bytes): Promise<void> | undefined
  /** Removes the first in line, and returns the function that starts it. */
  leave(): (() => void) | undefined
}

function createLine(most: Bytes): Line {
  const waiting: { readonly weight: Bytes; readonly begin: () => void }[] = []
  let sum = 0
  return {
    join(bytes) {
      const weight = Math.max(bytes, leastWeight)
      if (sum > 0 && sum + weight > most) return undefined
      sum += weight
      return new Promise((begin) => waiting.push({ weight, begin }))
    },
    leave() {
      const first = waiting.shift()
      sum -= first?.weight ?? 0
      return first?.begin
    },
  }
}
