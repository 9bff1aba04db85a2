import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep as pause } from '../../shared/time/timer.ts'
import { sendError } from '../response/respond.ts'
import type { AnswerKind, Exchange } from './exchange.ts'
import { part } from './in-flight.ts'

/**
 * Takes leave of a target that is about to end and to which nothing new is sent. First the answers under way are given, in
 * `budget` at most; then event streams and tunnels, which have no end of their own, are ended, and their clients connect anew,
 * to whoever is there now. Resolves with the number of answers that took too long and were cut.
 */
export async function drainTarget(origin: string, open: Iterable<Exchange>, budget: Milliseconds): Promise<number> {
  const bound = (kind: AnswerKind) =>
    [...open].filter((exchange) => exchange.kind === kind && exchange.dialled?.dial.origin === origin)
  await answersGiven(() => bound('answer'), budget)
  for (const exchange of bound('events')) {
    exchange.response.end()
    exchange.abandon()
  }
  const late = bound('answer')
  for (const exchange of late) sendError(exchange, 503, 'the process was replaced, and this answer took too long')
  await part(bound('tunnel'))
  return late.length
}

/** Resolves when there are none any more, or when the budget is over. */
async function answersGiven(answers: () => readonly Exchange[], budget: Milliseconds): Promise<void> {
  const timeout = new AbortController()
  const given = new Promise<void>((resolve) => {
    const look = () => {
      if (answers().length === 0) resolve()
    }
    for (const exchange of answers()) {
      // An answer turns out to be an event stream, or the target has done its part of it.
      exchange.onSettled(look)
      exchange.dialled?.onLeft(look)
    }
    look()
  })
  await Promise.race([given, pause(budget, undefined, { signal: timeout.signal }).catch(() => {})])
  timeout.abort()
}
