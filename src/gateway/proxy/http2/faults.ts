/** Errors of HTTP/2 streams to upstreams; see also client/faults.ts. */
import { errorNameOf } from '../../http2/error-codes.ts'

/** The stream was reset before its answer was complete, by the upstream or because its answer is malformed. */
export class StreamReset extends Error {
  readonly code = 'STREAM_RESET'
  /** Of HTTP/2. */
  readonly errorCode: number

  /** `what`: the rule that the answer breaks. */
  constructor(errorCode: number, what?: string) {
    super(`the stream ended with ${errorNameOf(errorCode)}${what === undefined ? '' : `: ${what}`}`)
    this.errorCode = errorCode
  }
}

/** The upstream has surely not processed the request (RFC 9113 §8.7). */
export class StreamRefused extends Error {
  readonly code = 'STREAM_REFUSED'

  constructor() {
    super('the upstream refused the stream')
  }
}
