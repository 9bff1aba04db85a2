/** Which requests may be sent again, by the gateway or by the client. */
import type { Exchange } from '../request/exchange.ts'

// RFC 9110 §9.2.2.
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** Retry-After, in seconds, when no target is up. */
export const retryAfter = '2'

/** Whether the request may be sent again although an upstream may have seen it. Bodies are not buffered for that. */
export function isRepeatable({ request, hasBody }: Exchange): boolean {
  return !hasBody && idempotent.has(request.method ?? '')
}
