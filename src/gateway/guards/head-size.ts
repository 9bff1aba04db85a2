import type { Bytes } from '../../shared/bytes.ts'
import type { GatewayRequest } from '../request/exchange.ts'
import type { Refusal } from '../request/refusal.ts'

/** For h2; counts like the h1 parser, which refuses longer heads itself: names and values, including the target. */
export function refusalOfHeadSize(request: GatewayRequest, limit: Bytes): Refusal | undefined {
  if (!('stream' in request)) return undefined
  let size = 0
  for (const text of request.rawHeaders) size += text.length
  return size > limit
    ? { status: 431, cause: `request headers of ${size} bytes exceed the limit of ${limit}` }
    : undefined
}
