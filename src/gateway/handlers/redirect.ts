import type { RedirectPlan } from '../../plan/types.ts'
import type { Exchange } from '../exchange.ts'
import { sendText } from '../respond.ts'

export function redirect(exchange: Exchange, plan: RedirectPlan): void {
  const { path, query } = exchange.target
  const values: Readonly<Record<string, string>> = {
    '{host}': exchange.host,
    '{uri}': path + query,
    '{path}': path,
    '{scheme}': exchange.identity.scheme,
  }
  const location = plan.to.replace(/\{\w+\}/g, (placeholder) => values[placeholder] ?? placeholder)
  const headers = ['location', location]
  // Connection is a header of h1 only (RFC 9113 §8.2.2).
  if (plan.close && exchange.protocol === 'h1') headers.push('connection', 'close')
  sendText(exchange, plan.status, '', headers)
}
