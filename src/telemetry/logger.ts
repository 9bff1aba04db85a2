/**
 * One log on stdout for everything in the container: Gatehouse itself, the output of children, requests. JSON lines for
 * machines; on a terminal `name | message`, with a colour for each name.
 */
import { pino, stdTimeFunctions } from 'pino'
import type { Bytes } from '../shared/bytes.ts'
import type { Log } from '../shared/log.ts'
import { childRecord } from './child-record.ts'
import type { Encode, Share } from './line-batches.ts'
import { createLineWriter, type LineWriter } from './line-writer.ts'
import type { OutputDescriptor } from './output-descriptor.ts'
import { standardStream } from './standard-streams.ts'
import { terminalText } from './terminal-text.ts'

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly format: 'auto' | 'json' | 'text'
  /** Whether stdout is a terminal, which decides `format: auto`. */
  readonly terminal: boolean
  /** The main thread's stdout, in another thread. */
  readonly stdout?: OutputDescriptor
}

export interface Logger {
  /** The log of one part of Gatehouse; every line has its name. */
  named(process: string): Log
  /** The output of a child: a line, or several that belong together. Never filtered by level. */
  output(process: string, stream: 'stdout' | 'stderr', text: string): void
  /** Copies Gatehouse's own log there, as JSON lines without line feed. To be called once. */
  copyOwn(to: (line: string) => void): void
  /** A JSON record with its line feed. Never filtered by level. */
  line(text: string): void
  /**
   * The same for a record of at most `most` bytes, which `encode` writes where it is written from; false if it has to
   * be given as a string.
   */
  encode<Value>(value: Value, most: Bytes, encode: Encode<Value>): boolean
  /** Writes text to stdout that is not a record and goes to no file. */
  print(text: string): void
  /** Writes what is buffered, for a limited time; the process may then exit. */
  flush(): Promise<void>
}

export function createLogger(options: LoggerOptions): Logger {
  const text = options.format === 'text' || (options.format === 'auto' && options.terminal)
  const colour = options.terminal
  const missed = (count: number) =>
    root.warn({ process: 'gatehouse' }, `${count} log lines were dropped: the reader of stdout is too slow`)
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
  return {
    named(process) {
      // Spread instead of a child logger, which would write a field of the same name twice.
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
    line: (text) => own.write(text),
    encode: (value, most, encode) => !text && copy === undefined && stdout.encode(value, most, encode),
    print: (text) => stdout.write(text),
    flush: () => stdout.flush(),
  }
}

function ownStdout(missed: (lines: number) => void): LineWriter {
  const stream = standardStream('stdout')
  stream.onMissed(missed)
  return stream
}
