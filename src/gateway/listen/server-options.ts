import { answeredMethods, serverWide } from '../request/admit.ts'
import type { Exchange } from '../request/exchange.ts'
import { sendHead } from '../response/respond.ts'

const allow = [...answeredMethods].join(', ')

/** Answers `OPTIONS *`, which is about the server as a whole and not for a route (RFC 9110 §9.3.7); true if it did. */
export function answerServerOptions(exchange: Exchange): boolean {
  if (exchange.target.path !== serverWide) return false
  sendHead(exchange, 204, ['allow', allow])
  exchange.response.end()
  return true
}
