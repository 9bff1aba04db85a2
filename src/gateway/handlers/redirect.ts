import type { RedirectPlan } from '../../plan/model/plan.ts'
import type { Exchange } from '../request/exchange.ts'
import { sendText } from '../response/respond.ts'
import { compileTemplate, fill } from '../response/template.ts'

/** A route that redirects, compiled once per generation. */
export function createRedirect(plan: RedirectPlan): (exchange: Exchange) => void {
  const to = compileTemplate(plan.to)
  const staysHere = /^(\/(?!\/)|\{(uri|path)\})/.test(plan.to)
  return (exchange) => {
    const filled = fill(to, exchange)
    // A path such as `//host/x`, which any client may send, would lead a browser to that host (RFC 3986 §4.2).
    const headers = ['location', staysHere ? filled.replace(/^\/+/, '/') : filled]
    // Connection is a header of h1 only (RFC 9113 §8.2.2).
    if (plan.close && exchange.protocol === 'h1') headers.push('connection', 'close')
    sendText(exchange, plan.status, '', headers)
  }
}
