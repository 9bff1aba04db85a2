/** Every way Gatehouse itself can fail, as a literal, so that callers and tests match on a code and never on prose. */
export type ErrorCode =
  | 'config-invalid'
  | 'address-in-use'
  | 'address-unavailable'
  | 'already-running'
  | 'not-running'
  | 'control-failed'
  | 'certificate-unusable'
  | 'gateway-failed'
  | 'asset-missing'

/** An error whose message is fit to show to the person at the terminal: what went wrong, where, and what would mend it. */
export class GatehouseError extends Error {
  override readonly name = 'GatehouseError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** The code alone of an error of Node's (`EACCES`): its message repeats the path, which may hold the value of a variable. */
export function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : messageOf(thrown)
}

/** The message of anything that was thrown; values that are not errors are named, never hidden. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
