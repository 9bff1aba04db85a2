/** Work that is done a few at a time, so that the pool of threads it uses has others left for everyone else. */
export interface Queue {
  /**
   * The work's own result, when its turn has come: before all that is for later. Undefined if so much is waiting for a turn
   * that whoever waits for this would wait too long. `weight` is in bytes.
   */
  soon<T>(work: () => Promise<T>, weight: number): Promise<T> | undefined
  /** The same for work that nobody waits for. Undefined if too much of that is waiting. */
  later<T>(work: () => Promise<T>): Promise<T> | undefined
}

export interface QueueOptions {
  readonly atOnce: number
  /** What may wait for its turn: bytes of what is wanted soon, number of what is for later. */
  readonly waiting: { readonly soon: number; readonly later: number }
}

/** However little there is to do, so much of the time that it takes is not spent on bytes. */
const leastWeight = 16 * 1024

export function createQueue({ atOnce, waiting }: QueueOptions): Queue {
  const soon: (() => void)[] = []
  const later: (() => void)[] = []
  let running = 0
  let weightOfSoon = 0

  function take(line: (() => void)[]): Promise<void> {
    if (running === atOnce) return new Promise((resolve) => line.push(resolve))
    running += 1
    return Promise.resolve()
  }

  function handOn(): void {
    const next = soon.shift() ?? later.shift()
    if (next) next()
    else running -= 1
  }

  return {
    soon(work, bytes) {
      const weight = Math.max(bytes, leastWeight)
      if (weightOfSoon > 0 && weightOfSoon + weight > waiting.soon) return undefined
      weightOfSoon += weight
      const turn = take(soon).finally(() => {
        weightOfSoon -= weight
      })
      return turn.then(work).finally(handOn)
    },
    later: (work) => (later.length < waiting.later ? take(later).then(work).finally(handOn) : undefined),
  }
}
