/** The log that Fastify and the plugin write to (`app.log`, `request.log`): lines in the gateway's own log. */
import { format } from 'node:util'
import type { FastifyBaseLogger } from 'fastify'
import { messageOf } from '../../shared/errors.ts'
import type { Log, LogFields } from '../../shared/log.ts'
import { readableStack } from './fault.ts'

/** The log sets these itself, and Fastify's request and reply are no data. */
const reserved = new Set(['process', 'level', 'time', 'message', 'req', 'res'])

type Write = (message: string, fields: LogFields) => void

/** `debug` and `trace` are dropped, as the gateway has no such lines. */
export function pluginLog(log: Log, bindings: LogFields): FastifyBaseLogger {
  const line =
    (write: Write) =>
    (first: unknown, ...rest: unknown[]): void => {
      const isText = typeof first === 'string'
      const [text, ...values] = isText ? [first, ...rest] : rest.length > 0 ? rest : [textOf(first)]
      write(format(text, ...values), isText ? bindings : { ...bindings, ...fieldsOf(first) })
    }
  const error = line((message, fields) => log.error(message, fields))
  const info = line((message, fields) => log.info(message, fields))
  const silent = (): void => {}
  return {
    level: 'info',
    fatal: error,
    error,
    warn: line((message, fields) => log.warn(message, fields)),
    info,
    debug: silent,
    trace: silent,
    silent,
    child: (more) => pluginLog(log, { ...bindings, ...fieldsOf(more) }),
  }
}

function textOf(given: unknown): string {
  return given instanceof Error ? messageOf(given) : ''
}

function fieldsOf(given: unknown): LogFields {
  if (given instanceof Error) return { stack: readableStack(given) }
  return Object.fromEntries(
    Object.entries(given ?? {}).flatMap(([name, value]) => {
      if (reserved.has(name)) return []
      return [value instanceof Error ? ['stack', readableStack(value)] : [name, value]]
    }),
  )
}
