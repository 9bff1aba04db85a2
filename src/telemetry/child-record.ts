/** The output of a child as a log record: its text, or its JSON as an object instead of an escaped string. */

type Level = 'debug' | 'info' | 'warn' | 'error'

/** One JSON line with its line feed. The time is now. */
export function childRecord(process: string, stream: 'stdout' | 'stderr', text: string): string {
  const own = objectOf(text)
  const level = own ? levelOf(own) : 'info'
  const message = own ? messageOf(own) : text
  const head = `{"level":"${level}","time":"${new Date().toISOString()}","process":${JSON.stringify(process)},"stream":"${stream}","message":${JSON.stringify(message)}`
  // The original text: parsing and serializing would change large numbers and repeated keys. In valid JSON line feeds
  // are only whitespace between tokens.
  return own ? `${head},"json":${text.replaceAll('\n', ' ')}}\n` : `${head}}\n`
}

/** Undefined for everything else; text that cannot be an object is not parsed. */
function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith('{') || !text.endsWith('}')) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The names of pino, zap and most others (`message`, `msg`), and of structlog (`event`). */
function messageOf({ message, msg, event }: Readonly<Record<string, unknown>>): string {
  return [message, msg, event].find((one) => typeof one === 'string') ?? ''
}

/** Levels of the usual libraries and of syslog, mapped to ours. */
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

/**
 * `severity` is Google Cloud's name; numbers are pino's and bunyan's. So errors of all programs have the same level.
 */
function levelOf({ level, severity }: Readonly<Record<string, unknown>>): Level {
  const own = level ?? severity
  if (typeof own === 'number') return own >= 50 ? 'error' : own >= 40 ? 'warn' : own >= 30 ? 'info' : 'debug'
  const word = typeof own === 'string' ? own.toLowerCase() : ''
  return Object.hasOwn(levels, word) ? (levels[word] ?? 'info') : 'info'
}
