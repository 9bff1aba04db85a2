import type { GatewayPlan } from '../../plan/model/plan.ts'
import { foldPath } from '../../shared/net/canonical-path.ts'
import type { Exchange } from '../request/exchange.ts'
import { sendText } from '../response/respond.ts'

/** Answers requests for the gateway's own health paths, before any route; true if it did. */
export type Health = (exchange: Exchange) => boolean

/** `withdrawn`: whether the gateway is about to stop. */
export function createHealth({ health: { live, ready }, listeners }: GatewayPlan, withdrawn: () => boolean): Health {
  const answering = new Set(listeners.filter(({ health }) => health).map(({ name }) => name))
  if (answering.size === 0) return () => false
  const [liveKey, readyKey] = [foldPath(live), foldPath(ready)]
  return (exchange) => {
    const { key } = exchange.target
    if ((key !== liveKey && key !== readyKey) || !answering.has(exchange.listener.name)) return false
    const { method } = exchange.request
    if (method !== 'GET' && method !== 'HEAD') return false
    const stopping = key === readyKey && withdrawn()
    sendText(exchange, stopping ? 503 : 200, stopping ? 'stopping\n' : 'ok\n', ['cache-control', 'no-store'])
    return true
  }
}
