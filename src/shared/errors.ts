/** Every way in which Gatehouse itself can fail: callers and tests match on these codes, never on messages. */
export type ErrorCode =
  | 'config-invalid'
  | 'environment-unusable'
  | 'address-in-use'
  | 'address-unavailable'
  | 'already-running'
  | 'not-running'
  | 'still-starting'
  | 'control-failed'
  | 'folder-unsafe'
  | 'certificate-unusable'
  | 'gateway-failed'
  | 'asset-missing'

/** An error whose message is for the operator: what went wrong, where, and a hint. */
export class GatehouseError extends Error {
  override readonly name = 'GatehouseError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/**
 * Only the code of a Node error (`EACCES`): its message repeats the path, which may contain the value of a variable.
 */
export function codeOf(thrown: unknown): string {
  const { code } = (thrown ?? {}) as Facts
  return typeof code === 'string' && code !== '' ? code : messageOf(thrown)
}

/** For one line of a log: how deep causes are followed, and how many errors of an AggregateError are listed. */
const maxDepth = 4
const maxErrors = 5

/**
 * Why something failed, for a log or a terminal: never empty, whatever was thrown. Lists the errors of an
 * AggregateError (a name with two addresses, of which neither answered), appends causes (`fetch failed`), and adds
 * codes and addresses that a message lacks. Of a GatehouseError the message alone.
 */
export function messageOf(thrown: unknown): string {
  return describe(thrown, 0)
}

/** The same, with the stack if there is one: for internal errors. */
export function stackOf(thrown: unknown): string {
  const message = messageOf(thrown)
  const stack = (thrown as { stack?: unknown } | null | undefined)?.stack
  if (typeof stack !== 'string') return message
  return stack.includes(message) ? stack : `${message}\n${stack}`
}

/** Properties of errors of Node and of libraries. */
interface Facts {
  readonly message?: unknown
  readonly name?: unknown
  readonly code?: unknown
  readonly address?: unknown
  readonly port?: unknown
  readonly errors?: unknown
  readonly cause?: unknown
}

function describe(thrown: unknown, depth: number): string {
  if (typeof thrown !== 'object' || thrown === null) return String(thrown).trim() || 'an empty string was thrown'
  if (thrown instanceof GatehouseError) return thrown.message
  const facts = thrown as Facts
  const own = withFacts(facts)
  if (depth === maxDepth) return own || nameOf(facts)
  const several = severalOf(facts, depth)
  const joined = several === '' ? own : isGeneric(own) ? several : `${own}: ${several}`
  const cause = facts.cause === undefined ? '' : describe(facts.cause, depth + 1)
  // Most wrapping errors repeat the message of their cause.
  if (cause !== '' && !joined.includes(cause)) return joined === '' ? cause : `${joined}: ${cause}`
  return joined || nameOf(facts)
}

/** The message, with the system's code and the address if it lacks them; empty if there is none. */
function withFacts({ message, code, address, port }: Facts): string {
  const text = typeof message === 'string' ? message.trim() : ''
  if (text === '') return ''
  const missing: string[] = []
  if (typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) && !text.includes(code)) missing.push(code)
  if (typeof address === 'string' && address !== '' && !text.includes(address))
    missing.push(typeof port === 'number' ? `${address}:${port}` : address)
  return missing.length === 0 ? text : `${text} (${missing.join(' ')})`
}

/** The errors of an AggregateError, without duplicates. */
function severalOf({ errors }: Facts, depth: number): string {
  if (!Array.isArray(errors)) return ''
  const messages = [...new Set(errors.slice(0, 10 * maxErrors).map((error) => describe(error, depth + 1)))]
  const more = messages.length > maxErrors ? [`and ${errors.length - maxErrors} more`] : []
  return [...messages.slice(0, maxErrors), ...more].join(', ')
}

/** Whether the message adds nothing to the errors behind it. */
function isGeneric(text: string): boolean {
  return text === '' || text === 'All promises were rejected'
}

function nameOf(facts: Facts): string {
  if (typeof facts.code === 'string' && facts.code !== '') return facts.code
  const name = typeof facts.name === 'string' && facts.name !== '' ? facts.name : facts.constructor?.name
  return `${name || 'something'} without a message`
}
