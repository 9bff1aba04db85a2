/**
 * Guards run between the choice of the route and its handler: each lets a request pass, or denies it. They run before
 * anything is dialled, for upgrades too, whose clients get a denial as a plain HTTP answer.
 */
import { messageOf } from '../../shared/errors.ts'
import type { Exchange } from '../request/exchange.ts'
import type { FlatHeaders } from '../response/flat-headers.ts'
import { sendError } from '../response/respond.ts'

/** Why a request is denied. `cause` is for the log only. */
export interface Denial {
  readonly status: 401 | 403 | 413 | 429 | 502 | 503
  readonly cause: string
  readonly headers?: FlatHeaders
}

/** `answered`: the guard has answered the client itself. */
export type Verdict = 'pass' | 'answered' | Denial

export type Guard = (exchange: Exchange) => Verdict | Promise<Verdict>

/**
 * Runs the guards in order, from index `from` on; calls `next`, which must not throw, if all let the request pass.
 * Throws what a synchronous guard throws.
 */
export function runGuards(
  exchange: Exchange,
  guards: readonly Guard[],
  next: (exchange: Exchange) => void,
  from = 0,
): void {
  for (let index = from; index < guards.length; index++) {
    const verdict = (guards[index] as Guard)(exchange)
    if (verdict instanceof Promise) {
      verdict
        .then((late) => {
          if (mayPass(exchange, late)) runGuards(exchange, guards, next, index + 1)
        })
        // A guard that fails denies the request.
        .catch((error) => sendError(exchange, 500, `guard: ${messageOf(error)}`))
      return
    }
    if (!mayPass(exchange, verdict)) return
  }
  next(exchange)
}

function mayPass(exchange: Exchange, verdict: Verdict): boolean {
  // The client may have left while a guard was waiting.
  if (verdict === 'pass') return !exchange.over
  if (verdict !== 'answered') deny(exchange, verdict)
  return false
}

export function deny(exchange: Exchange, { status, cause, headers = [] }: Denial): void {
  sendError(exchange, status, cause, headers)
}
