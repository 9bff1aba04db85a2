/** What went wrong in a plugin, and where in its files. */
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../shared/errors.ts'

/** In messages and stacks of Node: the URL or path of a file with a line, perhaps with the number of its loading. */
const place = /(file:\/\/\/[^\s?()]+|\/[^\s?():]+)(?:\?gatehouse=\d+)?(:\d+(?::\d+)?)/

/** One line: the kind of error, its message, and its place if that is a file of the plugin. */
export function describeFault(error: unknown): string {
  const { name, stack } = (error ?? {}) as { readonly name?: unknown; readonly stack?: unknown }
  const message = withoutNumbers(messageOf(error))
  const kind = typeof name === 'string' && name !== 'Error' && name !== 'GatehouseError' ? `${name}: ` : ''
  const where = typeof stack === 'string' ? placeIn(stack) : undefined
  return `${kind}${message}${where === undefined ? '' : ` (${where})`}${hintFor(error)}`
}

/** The first place in a stack that is in a file of the plugin, else in a package: `/app/flags.ts:3:7`. */
function placeIn(stack: string): string | undefined {
  const lines = stack.split('\n').filter((line) => !line.includes('node:') && place.test(line))
  const best = lines.find((line) => !line.includes('/node_modules/')) ?? lines[0]
  const [, file = '', at] = place.exec(best ?? '') ?? []
  return at === undefined ? undefined : `${file.startsWith('file:') ? fileURLToPath(file) : file}${at}`
}

/** A stack as a log shows it. */
export function readableStack(error: unknown): string {
  const { stack } = (error ?? {}) as { readonly stack?: unknown }
  return withoutNumbers(typeof stack === 'string' ? stack : messageOf(error))
}

function withoutNumbers(text: string): string {
  return text.replace(/\?gatehouse=\d+/g, '')
}

function hintFor(error: unknown): string {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND')
    return '; packages are looked for in node_modules beside the plugin and in the folders above'
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    return '; types are only removed: write what needs no compiler (no `enum`, no parameter properties)'
  return ''
}
