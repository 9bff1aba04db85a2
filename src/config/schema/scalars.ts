/**
 * The kinds of scalars. They arrive as text, with variables already expanded; each kind says what it expects, reads the
 * text into a typed value, and tells the JSON schema what an editor should accept.
 */

import { METHODS, validateHeaderName, validateHeaderValue } from 'node:http'
import { constants } from 'node:os'
import * as z from 'zod'
import { type Bytes, parseBytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { readDuration } from './duration.ts'
import { InvalidValue, type IssueFacts } from './invalid-value.ts'

interface ScalarKind<T> {
  /** Continues "expected ...". */
  readonly expected: string
  /** Undefined: not what was expected. */
  read(text: string): T | InvalidValue | undefined
  /** The allowed words, if they can be listed. */
  readonly words?: readonly string[]
  readonly json?: Record<string, unknown>
  /** The value found must not be shown. */
  readonly secret?: boolean
}

export function scalar<T>({ expected, read, words, json = {}, secret = false }: ScalarKind<T>) {
  return z
    .string({ error: () => expected })
    .transform((text, context): T => {
      const value = read(text)
      if (value !== undefined && !(value instanceof InvalidValue)) return value
      const facts: IssueFacts = {
        expected,
        ...(words && { words }),
        ...(value instanceof InvalidValue && { invalid: value }),
        ...(secret && { secret }),
      }
      context.addIssue({ code: 'custom', params: { ...facts } })
      return z.NEVER
    })
    .meta({ ...json })
}

/** JSON schema of a scalar: one of these forms, or anything with a variable in it. */
export function formOrVariable(...forms: Record<string, unknown>[]): Record<string, unknown> {
  return { type: undefined, anyOf: [...forms, { type: 'string', pattern: '\\$\\{' }] }
}

export function choice<const W extends readonly string[]>(words: W) {
  return scalar<W[number]>({
    expected:
      words.length === 2 ? `\`${words[0]}\` or \`${words[1]}\`` : `one of ${words.map((w) => `\`${w}\``).join(', ')}`,
    words,
    read: (text) => words.find((word) => word === text),
    json: formOrVariable({ enum: words }),
  })
}

// YAML's own numbers and booleans are taken as they are written.
export const anyScalar = { type: ['string', 'number', 'boolean'] }

export const anyText = scalar({ expected: 'text', read: (text) => text, json: anyScalar })

export function text(expected: string) {
  return scalar({ expected, read: (written) => written || undefined, json: { minLength: 1 } })
}

/** Text that counts as absent if it is empty, as from a variable that is not set. */
export function textOrNothing(expected: string) {
  return scalar({ expected, read: (written) => written }).transform((written) => written || undefined)
}

export const boolean = scalar({
  expected: '`true` or `false`',
  words: ['true', 'false'],
  read: (written) => (written === 'true' ? true : written === 'false' ? false : undefined),
  json: formOrVariable({ type: 'boolean' }),
})

export function integer(expected: string, least: number, most: number) {
  return scalar({
    expected,
    read(written) {
      const value = /^\d{1,15}$/.test(written) ? Number(written) : Number.NaN
      return value >= least && value <= most ? value : undefined
    },
    json: formOrVariable({ type: 'integer', minimum: least, maximum: most }, { type: 'string', pattern: '^\\d+$' }),
  })
}

export const port = integer('a port from 1 to 65535', 1, 65_535)

/** The port of a process; 0 is `auto`, a free one. */
export const ownPort = scalar<number>({
  expected: 'a port from 1 to 65535, or `auto`',
  words: ['auto'],
  read(written) {
    const value = /^\d{1,5}$/.test(written) ? Number(written) : Number.NaN
    if (written === 'auto') return 0
    if (value >= 1 && value <= 65_535) return value
    const [, last] = /^(?:\S*:)(\d{1,5})$/.exec(written) ?? []
    return last === undefined
      ? undefined
      : new InvalidValue('is more than a port number', 'write the number alone', last)
  },
  json: formOrVariable(
    { const: 'auto' },
    { type: 'integer', minimum: 1, maximum: 65_535 },
    { type: 'string', pattern: '^\\d+$' },
  ),
})

export const duration = scalar<Milliseconds>({
  expected: 'a duration such as `250ms`, `30s` or `5m`',
  read: readDuration,
  json: formOrVariable({ const: 0 }, { type: 'string', pattern: '^(0|\\d+(\\.\\d+)?(ms|s|m|h|d|y))$' }),
})

/** `10m`, `10M`, `10mb`, `10 MB`, as nginx, Docker and others write it. */
export function invalidSize(written: string): InvalidValue | undefined {
  const [, number = '', prefix = '', binary = ''] = /^(\d+(?:\.\d+)?)\s*([kmg])(i?)b?$/i.exec(written) ?? []
  if (number === '') return undefined
  const [decimal, twos] = [`${number}${prefix.toUpperCase()}B`, `${number}${prefix.toUpperCase()}iB`]
  if (written === decimal || written === twos) return undefined
  return new InvalidValue(
    'has an unknown unit',
    `write \`${binary === '' ? decimal : twos}\`; \`MB\` is a million bytes, \`MiB\` is 1024 × 1024`,
  )
}

/** A duration above 0, where 0 would be ambiguous between never and immediately. */
export const positiveDuration = scalar<Milliseconds>({
  expected: 'a duration such as `250ms`, `30s` or `5m`, longer than 0',
  read: (written) => readDuration(written) || undefined,
  json: formOrVariable({ type: 'string', pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d|y)$' }),
})

export const byteSize = scalar<Bytes>({
  expected: 'a size such as `16KB`, `150MB` or `2GiB`',
  read(written) {
    if (/^[1-9]\d*$/.test(written))
      return new InvalidValue('has no unit', `write \`${written}MB\`, or use \`KB\`, \`GB\` or \`B\``)
    return invalidSize(written) ?? (parseBytes(written) || undefined)
  },
  json: formOrVariable({ type: 'string', pattern: '^\\d+(\\.\\d+)?(B|KB|MB|GB|KiB|MiB|GiB)$' }),
})

export const signal = scalar({
  expected: 'a signal such as `SIGTERM`',
  words: Object.keys(constants.signals),
  read(written) {
    if (written in constants.signals) return written as NodeJS.Signals
    const upper = `SIG${written.toUpperCase().replace(/^SIG/, '')}`
    const [name] =
      Object.entries(constants.signals).find(([one, number]) => one === upper || `${number}` === written) ?? []
    return name === undefined ? undefined : new InvalidValue('is not the full name of a signal', `write \`${name}\``)
  },
  json: formOrVariable({ type: 'string', pattern: '^SIG[A-Z0-9]+$' }),
})

export const method = scalar({
  expected: 'an HTTP method such as `GET`',
  words: METHODS,
  read: (written) => METHODS.find((name) => name === written.toUpperCase()),
})

export const regularExpression = scalar({
  expected: 'a regular expression',
  read(written) {
    try {
      new RegExp(written)
      return written
    } catch (error) {
      // V8 says `Invalid regular expression: /source/flags: reason`; only the reason is free of the value.
      const message = error instanceof Error ? error.message : ''
      const why = message.slice(message.lastIndexOf(': ') + 2)
      return new InvalidValue(
        `is not a regular expression: ${why}`,
        'put a `\\` before literal characters such as `( [ * + ?`',
      )
    }
  },
})

export const headerName = scalar({
  expected: 'the name of a header',
  read: (written) => (passes(() => validateHeaderName(written)) ? written : undefined),
})

export function headerText(expected: string) {
  return scalar({
    expected,
    json: anyScalar,
    read(written) {
      if (passes(() => validateHeaderValue('x', written))) return written
      return new InvalidValue(
        'cannot be sent in a header',
        'a header is one line of printable ASCII: encode or remove the rest',
      )
    },
  })
}

export const headerValue = headerText('the value of a header')

function passes(check: () => void): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}
