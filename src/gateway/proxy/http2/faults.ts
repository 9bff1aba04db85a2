/** Errors of HTTP/2 streams to upstreams; see also client/faults.ts. */

/** By number (RFC 9113 §7). */
const errorNames = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const

export function errorNameOf(code: number): string {
  return errorNames[code] ?? `error code ${code}`
}

/** The stream was reset before its answer was complete, by the upstream or because its answer is malformed. */
export class StreamReset extends Error {
  readonly code = 'STREAM_RESET'

  constructor(code: number) {
    super(`the stream ended with ${errorNameOf(code)}`)
  }
}

/** The upstream has surely not processed the request (RFC 9113 §8.7). */
export class StreamRefused extends Error {
  readonly code = 'STREAM_REFUSED'

  constructor() {
    super('the upstream refused the stream')
  }
}
