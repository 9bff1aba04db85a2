import type { Bytes } from '../../shared/bytes.ts'
import type { Exchange } from '../request/exchange.ts'
import type { Guard } from './guard.ts'

const code = 'GATEHOUSE_BODY_TOO_LARGE'

/** Judges the length that a request announces. Where it announces none, `countBody` judges while the body streams. */
export function bodyLimit(limit: Bytes): Guard {
  return ({ request }) => {
    const length = request.headers['content-length']
    if (length === undefined || Number(length) <= limit) return 'pass'
    return { status: 413, cause: `a body of ${length} bytes; the limit is ${limit}` }
  }
}

/** Whoever reads a body tells of each part; throws an error that `isBodyTooLarge` knows when the limit is passed. */
export function countBody(exchange: Exchange, length: Bytes): void {
  exchange.bytesReceived += length
  const { requestBody } = exchange.guards
  if (exchange.bytesReceived <= requestBody) return
  throw Object.assign(new Error(`a body of more than ${requestBody} bytes`), { code })
}

export function isBodyTooLarge(error: Error): boolean {
  return (error as { code?: unknown }).code === code
}
