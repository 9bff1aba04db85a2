/** What may be sent once more, by us or by the client. */
import type { Exchange } from '../request/exchange.ts'

// RFC 9110 §9.2.2. To do one of these twice is to do it once.
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** Seconds after which a client may ask again when no target was up. */
export const retryAfter = '2'

/** Whether the request may be sent again although an upstream may have seen it: a body is not kept for that. */
export function isRepeatable({ request, hasBody }: Exchange): boolean {
  return !hasBody && idempotent.has(request.method ?? '')
}
