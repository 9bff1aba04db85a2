/**
 * Timers for any span. Node's own overflow beyond 31 bits (24.8 days) and fire at once. So src/ uses these instead,
 * under the same names (test/architecture.test.ts). All use the monotonic clock: setting the clock has no effect.
 */
import { setTimeout as nodeSleep } from 'node:timers/promises'
import type { Milliseconds } from './duration.ts'

const longest: Milliseconds = 2 ** 31 - 1

/** Fires once, after this span; never with `Infinity`. To be cleared with `clearTimeout`. */
export function setTimeout(callback: () => void, span: Milliseconds): NodeJS.Timeout {
  if (span <= longest) return globalThis.setTimeout(callback, span)
  const timer = setInterval(() => {
    clearInterval(timer)
    callback()
  }, span)
  return timer
}

/**
 * Fires repeatedly, until `clearInterval`. A long span is several Node intervals of equal length, of which only the
 * last fires.
 */
export function setInterval(callback: () => void, span: Milliseconds): NodeJS.Timeout {
  if (span <= longest) return globalThis.setInterval(callback, span)
  if (span === Number.POSITIVE_INFINITY) return globalThis.setInterval(() => {}, longest)
  const turns = Math.ceil(span / longest)
  let turn = 0
  return globalThis.setInterval(
    () => {
      turn += 1
      if (turn % turns === 0) callback()
    },
    Math.ceil(span / turns),
  )
}

/** As `setTimeout` of node:timers/promises. */
export async function sleep(
  span: Milliseconds,
  value?: undefined,
  options: { readonly signal?: AbortSignal; readonly ref?: boolean } = {},
): Promise<void> {
  let left = span
  for (; left > longest; left -= longest) await nodeSleep(longest, value, options)
  await nodeSleep(left, value, options)
}

/** As AbortSignal.timeout; it does not keep the process alive either. */
export function timeoutSignal(span: Milliseconds): AbortSignal {
  if (span <= longest) return AbortSignal.timeout(span)
  const controller = new AbortController()
  setTimeout(() => controller.abort(new DOMException('The operation timed out.', 'TimeoutError')), span).unref()
  return controller.signal
}

/**
 * For timeouts that Node implements itself (of sockets, sessions and servers): capped at 23 days, since it adds a
 * second to some of them.
 */
export function forNode(span: Milliseconds): Milliseconds {
  return Math.min(span, 2_000_000_000)
}
