import type { Bytes } from '../../shared/bytes.ts'
import type { Exchange } from '../request/exchange.ts'
import type { Guard } from './guard.ts'

const code = 'GATEHOUSE_BODY_TOO_LARGE'

/** Checks the announced length of a body. Without one, `countBody` checks while the body streams. */
export function bodyLimit(limit: Bytes): Guard {
  return ({ request }) => {
    const length = request.headers['content-length']
    if (length === undefined || Number(length) <= limit) return 'pass'
    return { status: 413, cause: `request body of ${length} bytes exceeds the limit of ${limit}` }
  }
}

/** To be called for each part of a body that is read. Throws an error for `isBodyTooLarge` beyond the limit. */
export function countBody(exchange: Exchange, length: Bytes): void {
  exchange.bytesReceived += length
  const { requestBody } = exchange.guards
  if (exchange.bytesReceived <= requestBody) return
  throw Object.assign(new Error(`request body exceeds the limit of ${requestBody} bytes`), { code })
}

export function isBodyTooLarge(error: Error): boolean {
  return (error as { code?: unknown }).code === code
}
