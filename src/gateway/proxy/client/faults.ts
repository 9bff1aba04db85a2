/** Errors of connections to upstreams. System errors keep their own codes. */
import type { FaultOf } from '../../http1/fault.ts'

/** The upstream's answer is malformed or too long: its connection cannot be read any further. */
export class AnswerFault extends Error {
  readonly code = 'ANSWER_MALFORMED'

  constructor(what: string) {
    super(`malformed answer: ${what}`)
  }
}

export const answerFault: FaultOf = (what) => new AnswerFault(what)

/** The connection was closed in good order, but before the answer was complete. */
export class ConnectionClosed extends Error {
  readonly code = 'CONNECTION_CLOSED'
}

/** The request cannot be written in the upstream's version of HTTP: nothing was sent. */
export class UnsendableRequest extends Error {
  readonly code = 'REQUEST_UNSENDABLE'
}

/** All allowed connections are in use, and none became free in time: nothing was sent. */
export class PoolExhausted extends Error {
  readonly code = 'POOL_EXHAUSTED'
}

/** The upstream took too long to accept the connection or to answer. */
export class UpstreamTimeout extends Error {
  readonly code = 'ETIMEDOUT'
}

/**
 * The last file descriptors are kept for probes, processes and shutdown. The kernel would soon fail with the same code.
 */
export class DescriptorsUsedUp extends Error {
  readonly code = 'EMFILE'
}
