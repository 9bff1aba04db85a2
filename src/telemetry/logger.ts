/**
 * One stream of words on stdout for everything in the container: Gatehouse itself, the children's lines, requests.
 * JSON lines for machines; on a terminal `name | words`, a colour a name.
 */
import { pino, stdTimeFunctions } from 'pino'
import type { Log, LogFields } from '../shared/log.ts'
import { childRecord } from './child-record.ts'
import type { Share } from './line-queue.ts'
import { createLineWriter, type LineWriter } from './line-writer.ts'
import type { OutputDescriptor } from './output-descriptor.ts'
import { standardStream } from './standard-streams.ts'
import { terminalText } from './terminal-text.ts'

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly format: 'auto' | 'json' | 'text'
  /** Whether stdout is a terminal; `format: auto` follows it. */
  readonly terminal: boolean
  /** The main thread's stdout, in another thread. */
  readonly stdout?: OutputDescriptor
}

export interface Logger {
  /** The log of one part of the house; every line names it. */
  named(process: string): Log
  /** What a child has written: a line, or several that belong together. Never filtered by level. */
  output(process: string, stream: 'stdout' | 'stderr', text: string): void
  /** Our own words, one JSON line each without its end, also go there. Once. */
  copyOwn(to: (line: string) => void): void
  /** A record with fields of its own. Never filtered by level. */
  record(fields: LogFields, message: string): void
  /** Text to stdout that is no record, and that no file is to have. */
  print(text: string): void
  /** Writes what is still in memory, for a moment at most; the process may then exit. */
  flush(): Promise<void>
}

export function createLogger(options: LoggerOptions): Logger {
  const text = options.format === 'text' || (options.format === 'auto' && options.terminal)
  const colour = options.terminal
  const missed = (count: number) =>
    root.warn({ process: 'gatehouse' }, `${count} log lines were dropped: the reader of the log was too slow`)
  const stdout = options.stdout ? createLineWriter(options.stdout, missed) : ownStdout(missed)
  const sink = text
    ? { write: (line: string, share?: Share) => stdout.write(terminalText(line, colour), share) }
    : stdout
  const shares = new Map<string, Share>()
  let copy: ((line: string) => void) | undefined
  const own = {
    write(line: string) {
      sink.write(line)
      copy?.(line.trimEnd())
    },
  }
  const root = pino(
    {
      base: null,
      level: options.level,
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    own,
  )
  const unfiltered = root.child({}, { level: 'trace' })
  return {
    named(process) {
      // Spread rather than a child logger: a field of the same name replaces ours instead of standing there twice.
      return {
        info: (message, fields) => root.info({ process, ...fields }, message),
        warn: (message, fields) => root.warn({ process, ...fields }, message),
        error: (message, fields) => root.error({ process, ...fields }, message),
      }
    },
    output(process, stream, text) {
      const share = shares.get(process) ?? { waiting: 0 }
      shares.set(process, share)
      sink.write(childRecord(process, stream, text), share)
    },
    copyOwn: (to) => {
      copy = to
    },
    record: (fields, message) => unfiltered.info(fields, message),
    print: (text) => stdout.write(text),
    flush: () => stdout.flush(),
  }
}

function ownStdout(missed: (lines: number) => void): LineWriter {
  const stream = standardStream('stdout')
  stream.onMissed(missed)
  return stream
}
