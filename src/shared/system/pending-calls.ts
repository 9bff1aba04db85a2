let pending = 0

/**
 * Counts a call that may never return: a write to a stopped terminal or to a disk that hangs, or the end of a thread.
 * At its exit Node would wait for it; see process-end.ts.
 */
export function trackCall<T>(call: Promise<T>): Promise<T> {
  pending += 1
  return call.finally(() => {
    pending -= 1
  })
}

/** How many calls of this thread have not returned. */
export function pendingCalls(): number {
  return pending
}
