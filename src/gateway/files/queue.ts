import type { Bytes } from '../../shared/bytes.ts'

/** Work that is done a few at a time, so that the pool of threads it uses has others left for everyone else. */
export interface Queue {
  /**
   * The work's own result, when its turn has come: before all that is for later. Undefined if so much is waiting for a turn
   * that whoever waits for this would wait too long. `weight` is in bytes.
   */
  soon<T>(work: () => Promise<T>, weight: Bytes): Promise<T> | undefined
  /** The same for work that nobody waits for. */
  later<T>(work: () => Promise<T>, weight: Bytes): Promise<T> | undefined
}

export interface QueueOptions {
  readonly atOnce: number
  /** So much of what is wanted soon, and so much of what is for later, may wait for its turn. */
  readonly waiting: Bytes
}

/** However little there is to do, so much of the time that it takes is not spent on bytes. */
const leastWeight = 16 * 1024

export function createQueue({ atOnce, waiting }: QueueOptions): Queue {
  const soon = createLine(waiting)
  const later = createLine(waiting)
  let running = 0

  function run<T>(line: Line, work: () => Promise<T>, weight: Bytes): Promise<T> | undefined {
    if (running < atOnce) {
      running += 1
      return work().finally(handOn)
    }
    return line.join(weight)?.then(work).finally(handOn)
  }

  function handOn(): void {
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
  /** Resolves when it is the turn of who joins; undefined if the line is too long. */
  join(weight: Bytes): Promise<void> | undefined
  /** Takes the first out of the line: what has to be called to give it its turn. */
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
