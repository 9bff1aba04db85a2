/** What a failed request to an upstream means: for the client, for the target, and for another try. */
import { isLocalFault } from '../../shared/system/local-fault.ts'
import { isBodyTooLarge } from '../guards/request-body.ts'

/** The client broke off its request or left; no target is to blame. */
export class ClientLeft extends Error {
  constructor() {
    super('the client is gone')
  }
}

export function statusOf(error: Error): 400 | 413 | 502 | 503 | 504 {
  if (isBodyTooLarge(error)) return 413
  switch (codeOf(error)) {
    // Refused before anything was sent: a header or a target that no upstream should see.
    case 'REQUEST_UNSENDABLE':
      return 400
    case 'POOL_EXHAUSTED':
      return 503
    case 'ETIMEDOUT':
      return 504
    default:
      return isLocalFault(error) ? 503 : 502
  }
}

/** No connection could be made, and the target is why; not our own lack of descriptors or ports, which a load may cause. */
export function isConnectionFault(error: Error): boolean {
  return !isExhausted(error) && !isLocalFault(error)
}

/** The connection broke: it was reset, or closed without an answer. */
export function isBroken(error: Error): boolean {
  const code = codeOf(error)
  return code === 'CONNECTION_CLOSED' || code === 'ECONNRESET' || code === 'EPIPE'
}

/** We allow ourselves no more connections to the target: it is as well as before. */
function isExhausted(error: Error): boolean {
  return codeOf(error) === 'POOL_EXHAUSTED'
}

function codeOf(error: Error): unknown {
  return (error as { code?: unknown }).code
}
