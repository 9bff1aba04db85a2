/** Work that is done a few at a time, so that the pool of threads it uses has others left for everyone else. */
export interface Queue {
  /** The work's own result, when its turn has come; undefined if too many are waiting. */
  run<T>(work: () => Promise<T>): Promise<T> | undefined
}

export function createQueue({ atOnce, waiting }: { readonly atOnce: number; readonly waiting: number }): Queue {
  const line: (() => void)[] = []
  let running = 0

  function take(): Promise<void> {
    if (running === atOnce) return new Promise((resolve) => line.push(resolve))
    running += 1
    return Promise.resolve()
  }

  function handOn(): void {
    const next = line.shift()
    if (next) next()
    else running -= 1
  }

  return {
    run: (work) => (line.length < waiting ? take().then(work).finally(handOn) : undefined),
  }
}
