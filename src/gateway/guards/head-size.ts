import type { Bytes } from '../../shared/bytes.ts'
import type { GatewayRequest } from '../request/exchange.ts'
import type { Refusal } from '../request/validate-request.ts'

/** Counts as the h1 parser does, which has refused longer heads by itself: names and values, the target among them. */
export function headSizeFlaw(request: GatewayRequest, limit: Bytes): Refusal | undefined {
  if (!('stream' in request)) return undefined
  let size = 0
  for (const text of request.rawHeaders) size += text.length
  return size > limit ? { status: 431, cause: `a head of ${size} bytes; the limit is ${limit}` } : undefined
}
