/** Why a request to an upstream failed, as far as the connection can tell. Errors of the system keep their own codes. */

/** The upstream's answer is malformed, or too long: nothing more can be read of its connection. */
export class AnswerFault extends Error {
  readonly code = 'ANSWER_MALFORMED'

  constructor(what: string) {
    super(`malformed answer: ${what}`)
  }
}

/** The connection was closed in good order, but before the answer was complete. */
export class ConnectionClosed extends Error {
  readonly code = 'CONNECTION_CLOSED'
}

/** The request cannot be written as HTTP/1.1: nothing was sent. */
export class UnsendableRequest extends Error {
  readonly code = 'REQUEST_UNSENDABLE'
}

/** As many connections as are allowed are in use, and none became free: nothing was sent. */
export class PoolExhausted extends Error {
  readonly code = 'POOL_EXHAUSTED'
}

/** The upstream took too long, to be connected to or to begin its answer. */
export class UpstreamTimeout extends Error {
  readonly code = 'ETIMEDOUT'
}

/** What is left of them is kept for probes, programs and stopping. The code is that of the kernel, which would soon have said so itself. */
export class DescriptorsUsedUp extends Error {
  readonly code = 'EMFILE'
}
