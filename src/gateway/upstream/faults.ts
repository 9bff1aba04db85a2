/** What an error of a request to an upstream means for the client, the target and a retry. */
import { isLocalFault } from '../../shared/system/local-fault.ts'
import { isBodyTooLarge } from '../guards/request-body.ts'

/** The client aborted its request or left; not a fault of the target. */
export class ClientLeft extends Error {
  constructor() {
    super('the client is gone')
  }
}

export function statusOf(error: Error): 400 | 413 | 502 | 503 | 504 {
  if (isBodyTooLarge(error)) return 413
  switch (codeOf(error)) {
    // Nothing was sent: a header or a request target that no upstream should see.
    case 'REQUEST_UNSENDABLE':
      return 400
    case 'POOL_EXHAUSTED':
    case 'STREAM_REFUSED':
      return 503
    case 'ETIMEDOUT':
      return 504
    default:
      return isLocalFault(error) ? 503 : 502
  }
}

/** No connection could be made because of the target, and not because the gateway ran out of descriptors or ports. */
export function isConnectionFault(error: Error): boolean {
  return !isExhausted(error) && !isLocalFault(error)
}

/** The connection broke: it was reset, or closed without an answer. */
export function isBroken(error: Error): boolean {
  const code = codeOf(error)
  return code === 'CONNECTION_CLOSED' || code === 'ECONNRESET' || code === 'EPIPE'
}

/** The gateway's own limit of connections to the target is reached: this says nothing about its health. */
function isExhausted(error: Error): boolean {
  return codeOf(error) === 'POOL_EXHAUSTED'
}

function codeOf(error: Error): unknown {
  return (error as { code?: unknown }).code
}
