/** What a failed request to an upstream means: for the client, for the target, and for another try. */
import { isBodyTooLarge } from '../guards/request-body.ts'

/** The client broke off its request or left; no target is to blame. */
export class ClientLeft extends Error {
  constructor() {
    super('the client is gone')
  }
}

export function statusOf(error: Error): 400 | 413 | 502 | 504 {
  if (isBodyTooLarge(error)) return 413
  switch (codeOf(error)) {
    // What undici refuses before it sends anything: a header or a target that no upstream should see.
    case 'UND_ERR_INVALID_ARG':
      return 400
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return 504
    default:
      return 502
  }
}

export function isTargetsFault(error: Error): boolean {
  return !(error instanceof ClientLeft) && statusOf(error) >= 500
}

/** The connection broke: it was reset, or closed without an answer. */
export function isBroken(error: Error): boolean {
  const code = codeOf(error)
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE'
}

function codeOf(error: Error): unknown {
  return (error as { code?: unknown }).code
}
