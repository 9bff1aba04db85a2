/**
 * Timers for any span. Node keeps a timer's span in 31 bits, and takes a longer one (24.8 days) for 1 ms: it would ring at once. So
 * these stand before its own, under the same names, everywhere in src/ (test/architecture.test.ts). All are on the monotonic clock: a
 * clock that is set changes nothing.
 */
import { setTimeout as nodeSleep } from 'node:timers/promises'
import type { Milliseconds } from './duration.ts'

const longest: Milliseconds = 2 ** 31 - 1

/** Once, after this span; `Infinity` never rings. `clearTimeout` ends it. */
export function setTimeout(ring: () => void, span: Milliseconds): NodeJS.Timeout {
  if (span <= longest) return globalThis.setTimeout(ring, span)
  const timer = setInterval(() => {
    clearInterval(timer)
    ring()
  }, span)
  return timer
}

/** Again and again; `clearInterval` ends it. A long span is several turns of equal length, in whole milliseconds, of which the last rings. */
export function setInterval(ring: () => void, span: Milliseconds): NodeJS.Timeout {
  if (span <= longest) return globalThis.setInterval(ring, span)
  if (span === Number.POSITIVE_INFINITY) return globalThis.setInterval(() => {}, longest)
  const turns = Math.ceil(span / longest)
  let turn = 0
  return globalThis.setInterval(
    () => {
      turn += 1
      if (turn % turns === 0) ring()
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

/** As AbortSignal.timeout, which keeps nobody alive either. */
export function timeoutSignal(span: Milliseconds): AbortSignal {
  if (span <= longest) return AbortSignal.timeout(span)
  const controller = new AbortController()
  setTimeout(() => controller.abort(new DOMException('The operation timed out.', 'TimeoutError')), span).unref()
  return controller.signal
}

/**
 * For limits that Node watches itself (of sockets, sessions and servers): it ends an idle connection after 23 days, if the span is
 * longer. It adds a second to some of them.
 */
export function forNode(span: Milliseconds): Milliseconds {
  return Math.min(span, 2_000_000_000)
}
