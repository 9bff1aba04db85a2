import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep as pause } from '../../shared/time/timer.ts'
import { sendError } from '../response/respond.ts'
import type { AnswerKind, Exchange } from './exchange.ts'
import { closeTunnels } from './in-flight.ts'

/**
 * Drains the targets at an address, `host:port`, that are about to stop and get no new requests. Answers in flight have `budget` to complete; then
 * event streams and tunnels, which have no end of their own, are ended, and their clients reconnect to another target.
 * Resolves with the number of answers that took too long and were cut.
 */
export async function drainTarget(
  address: string,
  open: () => readonly Exchange[],
  budget: Milliseconds,
): Promise<number> {
  const bound = (kind: AnswerKind) =>
    open().filter((exchange) => exchange.kind === kind && exchange.dialled?.dial.origin.endsWith(`//${address}`))
  await allAnswered(() => bound('answer'), budget)
  for (const exchange of bound('events')) {
    exchange.response.end()
    exchange.abandon()
  }
  const late = bound('answer')
  for (const exchange of late) sendError(exchange, 503, 'the process was replaced, and this answer took too long')
  await closeTunnels(bound('tunnel'))
  return late.length
}

/** Resolves when none is left, or when the budget is over. */
async function allAnswered(answers: () => readonly Exchange[], budget: Milliseconds): Promise<void> {
  const timeout = new AbortController()
  const answered = new Promise<void>((resolve) => {
    const check = () => {
      if (answers().length === 0) resolve()
    }
    for (const exchange of answers()) {
      // An answer may turn out to be an event stream, and the target may be done before its client is.
      exchange.onSettled(check)
      exchange.dialled?.onLeft(check)
    }
    check()
  })
  await Promise.race([answered, pause(budget, undefined, { signal: timeout.signal }).catch(() => {})])
  timeout.abort()
}
