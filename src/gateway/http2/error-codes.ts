/** Error codes of HTTP/2, by number (RFC 9113 §7). */
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

export type ErrorName = (typeof errorNames)[number]

export const errorCodes = Object.fromEntries(errorNames.map((name, code) => [name, code])) as Record<ErrorName, number>

export function errorNameOf(code: number): string {
  return errorNames[code] ?? `error code ${code}`
}

/** What was received breaks a rule of the connection as a whole, which must end with this error (RFC 9113 §5.4.1). */
export class ConnectionError extends Error {
  readonly error: ErrorName

  constructor(error: ErrorName, what: string) {
    super(`${error}: ${what}`)
    this.error = error
  }
}
