/** What a child has written as a record of the log: its text, or its JSON as structure instead of an escaped string. */

type Level = 'debug' | 'info' | 'warn' | 'error'

/** One JSON line with its end. The time is now. */
export function childRecord(process: string, stream: 'stdout' | 'stderr', text: string): string {
  const own = objectOf(text)
  const level = own ? levelOf(own) : 'info'
  const message = own ? messageOf(own) : text
  const head = `{"level":"${level}","time":"${new Date().toISOString()}","process":${JSON.stringify(process)},"stream":"${stream}","message":${JSON.stringify(message)}`
  // As it was written, and not what became of it: parsed and written anew, large numbers and repeated keys would change.
  // A line feed in it can only stand between its parts, where a space is the same.
  return own ? `${head},"json":${text.replaceAll('\n', ' ')}}\n` : `${head}}\n`
}

/** Undefined for everything else; what cannot be an object is not even tried. */
function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith('{') || !text.endsWith('}')) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** As pino, zap and most others (`message`, `msg`) or structlog (`event`) call it. */
function messageOf({ message, msg, event }: Readonly<Record<string, unknown>>): string {
  return [message, msg, event].find((one) => typeof one === 'string') ?? ''
}

/** Words of the usual libraries and of syslog, in ours. */
const levels: Readonly<Record<string, Level>> = {
  trace: 'debug',
  debug: 'debug',
  verbose: 'debug',
  info: 'info',
  information: 'info',
  notice: 'info',
  warn: 'warn',
  warning: 'warn',
  err: 'error',
  error: 'error',
  severe: 'error',
  critical: 'error',
  crit: 'error',
  fatal: 'error',
  panic: 'error',
  alert: 'error',
  emerg: 'error',
  emergency: 'error',
}

/** Google Cloud calls it `severity`; numbers are pino's and bunyan's. Who looks for errors finds them in one place for all programs. */
function levelOf({ level, severity }: Readonly<Record<string, unknown>>): Level {
  const own = level ?? severity
  if (typeof own === 'number') return own >= 50 ? 'error' : own >= 40 ? 'warn' : own >= 30 ? 'info' : 'debug'
  const word = typeof own === 'string' ? own.toLowerCase() : ''
  return Object.hasOwn(levels, word) ? (levels[word] ?? 'info') : 'info'
}
