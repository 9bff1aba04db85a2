import type { RespondPlan } from '../../plan/model/plan.ts'
import type { Exchange } from '../request/exchange.ts'
import { sendHead, sendText } from '../response/respond.ts'

// RFC 9110 §8.6: not even a Content-Length of 0.
const bodiless = new Set([204, 304])

/** A route whose answer is given in the config file. */
export function createRespond({ status, body }: RespondPlan): (exchange: Exchange) => void {
  return (exchange) => {
    if (!bodiless.has(status)) {
      sendText(exchange, status, body)
      return
    }
    sendHead(exchange, status, [])
    exchange.response.end()
  }
}
