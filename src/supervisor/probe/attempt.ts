/** One attempt to find a program well. */
import type { Milliseconds } from '../../shared/duration.ts'

/**
 * Resolves with undefined if it is well, else with why not, in words for the log (`answered 503`). Ends early, and
 * frees what it holds, when the signal aborts: it then timed out or is not wanted any more. Never rejects.
 */
export type Attempt = (signal: AbortSignal) => Promise<string | undefined>

/** One attempt that takes no longer than `timeout`, and ends at once when `over` aborts. */
export async function tryOnce(attempt: Attempt, timeout: Milliseconds, over: AbortSignal): Promise<string | undefined> {
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
    return found !== undefined && expired ? `no answer within ${timeout}ms` : found
  } finally {
    clearTimeout(timer)
    over.removeEventListener('abort', end)
  }
}
