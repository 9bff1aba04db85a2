/** Every way Gatehouse itself can fail, as a literal, so that callers and tests match on a code and never on prose. */
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
  const { code } = (thrown ?? {}) as Facts
  return typeof code === 'string' && code !== '' ? code : messageOf(thrown)
}

/** How far causes of causes are followed, and how many of several are told: this is for one line of a log. */
const deepest = 4
const mostOfSeveral = 5

/**
 * Why something failed, for a log or a terminal: never empty, whatever was thrown. An error that stands for several (a name with two
 * addresses, of which neither answered) tells each of them, one that hides its cause (`fetch failed`) the cause too; codes and
 * addresses that a message lacks are added. A GatehouseError says all that is fit to be shown.
 */
export function messageOf(thrown: unknown): string {
  return tell(thrown, 0)
}

/** The same, with the stack where there is one: for faults of our own. */
export function stackOf(thrown: unknown): string {
  const told = messageOf(thrown)
  const stack = (thrown as { stack?: unknown } | null | undefined)?.stack
  if (typeof stack !== 'string') return told
  return stack.includes(told) ? stack : `${told}\n${stack}`
}

/** What errors of Node and of libraries carry beside their message. */
interface Facts {
  readonly message?: unknown
  readonly name?: unknown
  readonly code?: unknown
  readonly address?: unknown
  readonly port?: unknown
  readonly errors?: unknown
  readonly cause?: unknown
}

function tell(thrown: unknown, depth: number): string {
  if (typeof thrown !== 'object' || thrown === null) return String(thrown).trim() || 'an empty text was thrown'
  if (thrown instanceof GatehouseError) return thrown.message
  const facts = thrown as Facts
  const own = withFacts(facts)
  if (depth === deepest) return own || nameOf(facts)
  const several = severalOf(facts, depth)
  const joined = several === '' ? own : isGeneric(own) ? several : `${own}: ${several}`
  const cause = facts.cause === undefined ? '' : tell(facts.cause, depth + 1)
  // Most who wrap an error repeat its message.
  if (cause !== '' && !joined.includes(cause)) return joined === '' ? cause : `${joined}: ${cause}`
  return joined || nameOf(facts)
}

/** The message with the system's code and the address, where it does not say them itself; empty if there is none. */
function withFacts({ message, code, address, port }: Facts): string {
  const text = typeof message === 'string' ? message.trim() : ''
  if (text === '') return ''
  const missing: string[] = []
  if (typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) && !text.includes(code)) missing.push(code)
  if (typeof address === 'string' && address !== '' && !text.includes(address))
    missing.push(typeof port === 'number' ? `${address}:${port}` : address)
  return missing.length === 0 ? text : `${text} (${missing.join(' ')})`
}

/** What an AggregateError stands for, each once. */
function severalOf({ errors }: Facts, depth: number): string {
  if (!Array.isArray(errors)) return ''
  const told = [...new Set(errors.slice(0, 10 * mostOfSeveral).map((error) => tell(error, depth + 1)))]
  const more = told.length > mostOfSeveral ? [`and ${errors.length - mostOfSeveral} more`] : []
  return [...told.slice(0, mostOfSeveral), ...more].join(', ')
}

/** Says nothing that the errors behind it would not say. */
function isGeneric(text: string): boolean {
  return text === '' || text === 'All promises were rejected'
}

function nameOf(facts: Facts): string {
  if (typeof facts.code === 'string' && facts.code !== '') return facts.code
  const name = typeof facts.name === 'string' && facts.name !== '' ? facts.name : facts.constructor?.name
  return `${name || 'something'} without a message`
}
