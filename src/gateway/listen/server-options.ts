import { answeredMethods, serverWide } from '../request/admit.ts'
import type { Exchange } from '../request/exchange.ts'
import { sendHead } from '../response/respond.ts'

const allow = [...answeredMethods].join(', ')

/** Answers `OPTIONS *`, which asks what the server as a whole can do and is no route's (RFC 9110 §9.3.7); true if it was that. */
export function answerServerOptions(exchange: Exchange): boolean {
  if (exchange.target.path !== serverWide) return false
  sendHead(exchange, 204, ['allow', allow])
  exchange.response.end()
  return true
}
