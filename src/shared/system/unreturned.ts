let unreturned = 0

/**
 * Marks a call to the system, or the end of a thread, that may never come: a write to a terminal that was stopped, or to a disk
 * that hangs. Node would wait for it at the end of the process; see process-end.ts.
 */
export function mayNotReturn<T>(call: Promise<T>): Promise<T> {
  unreturned += 1
  return call.finally(() => {
    unreturned -= 1
  })
}

/** How many of this thread's have not. */
export function unreturnedCalls(): number {
  return unreturned
}
