/**
 * Guards stand between the choice of the route and its handler: each lets a request pass, or says why it must not. They
 * run before anything is dialled, for upgrades too, whose clients read a denial as a plain HTTP answer.
 */
import { messageOf } from '../../shared/errors.ts'
import type { Exchange } from '../request/exchange.ts'
import type { FlatHeaders } from '../response/flat-headers.ts'
import { sendError } from '../response/respond.ts'

/** Why a request goes no further. `cause` is for our log only. */
export interface Denial {
  readonly status: 401 | 403 | 413 | 429 | 502 | 503
  readonly cause: string
  readonly headers?: FlatHeaders
}

/** `answered`: the guard has given the client an answer of its own. */
export type Verdict = 'pass' | 'answered' | Denial

export type Guard = (exchange: Exchange) => Verdict | Promise<Verdict>

/**
 * Asks one guard after the other, from the one with the index `from` on; `goOn`, which must not throw, is called if all of them
 * let the request pass. Throws what a guard throws that is asked at once.
 */
export function runGuards(
  exchange: Exchange,
  guards: readonly Guard[],
  goOn: (exchange: Exchange) => void,
  from = 0,
): void {
  for (let index = from; index < guards.length; index++) {
    const verdict = (guards[index] as Guard)(exchange)
    if (verdict instanceof Promise) {
      verdict
        .then((late) => {
          if (mayPass(exchange, late)) runGuards(exchange, guards, goOn, index + 1)
        })
        // A guard that fails has not let the request pass.
        .catch((error) => sendError(exchange, 500, `guard: ${messageOf(error)}`))
      return
    }
    if (!mayPass(exchange, verdict)) return
  }
  goOn(exchange)
}

function mayPass(exchange: Exchange, verdict: Verdict): boolean {
  // The client may have left while a guard was asking someone.
  if (verdict === 'pass') return !exchange.over
  if (verdict !== 'answered') deny(exchange, verdict)
  return false
}

export function deny(exchange: Exchange, { status, cause, headers = [] }: Denial): void {
  sendError(exchange, status, cause, headers)
}
