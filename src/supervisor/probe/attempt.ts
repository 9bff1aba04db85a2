/** One attempt of a probe. */

import type { NotTried } from '../../shared/system/local-fault.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'

/**
 * Undefined: passed; else why not, for the log (`answered 503`). Or `NotTried`, which says nothing about the program.
 */
export type Finding = string | NotTried | undefined

/**
 * Ends early and frees its resources when the signal aborts, after a timeout or because the result is no longer needed.
 * Never rejects.
 */
export type Attempt = (signal: AbortSignal) => Promise<Finding>

/** Makes one attempt that takes at most `timeout`, and ends at once when `over` aborts. */
export async function tryOnce(attempt: Attempt, timeout: Milliseconds, over: AbortSignal): Promise<Finding> {
  // Not AbortSignal.any: `over` lives as long as the program, and would collect one more signal with every attempt.
  const ended = new AbortController()
  const end = () => ended.abort()
  let expired = false
  const timer = setTimeout(() => {
    expired = true
    end()
  }, timeout)
  over.addEventListener('abort', end, { once: true })
  try {
    const found = await attempt(ended.signal)
    return typeof found === 'string' && expired ? `no answer within ${timeout}ms` : found
  } finally {
    clearTimeout(timer)
    over.removeEventListener('abort', end)
  }
}
