/** One attempt to find a program well. */

import type { NotTried } from '../../shared/system/local-fault.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'

/** Undefined: it is well; else why not, in words for the log (`answered 503`). Or we could not ask, which says nothing about it. */
export type Finding = string | NotTried | undefined

/**
 * Ends early, and frees what it holds, when the signal aborts: it then timed out or is not wanted any more. Never rejects.
 */
export type Attempt = (signal: AbortSignal) => Promise<Finding>

/** One attempt that takes no longer than `timeout`, and ends at once when `over` aborts. */
export async function tryOnce(attempt: Attempt, timeout: Milliseconds, over: AbortSignal): Promise<Finding> {
  // Not AbortSignal.any: `over` lives as long as the program, and would gather one more signal with every attempt.
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
