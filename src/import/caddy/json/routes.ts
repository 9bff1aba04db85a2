/** Routes of Caddy's JSON as the lines of a `route` block, which keeps their order. */
import type { Directive } from '../syntax/tree.ts'
import { handlerLines } from './handlers.ts'
import { line, word } from './lines.ts'
import { matcherLines } from './matchers.ts'
import { entry, itemsOf, type Json, textOf } from './tree.ts'

export function routeLines(routes: readonly Json[]): readonly Directive[] {
  return routes.flatMap(routeLine)
}

function routeLine(route: Json, index: number): readonly Directive[] {
  const sets = itemsOf(route, 'match')
  const tried = triedFiles(route, sets)
  if (tried) return [line(word(route, 'try_files'), tried)]
  const lines = itemsOf(route, 'handle').flatMap((handler) => handlerLines(handler, routeLines))
  if (sets.length === 0) return grouped(route, lines)
  // Alternatives: a request that the first does not match may match the next.
  return sets.flatMap((set, alternative) => {
    const name = `@${index}-${alternative}`
    return [line(word(set, name), [], matcherLines(set)), ...grouped(route, lines, name)]
  })
}

const withoutBlock = new Set(['header', 'request_header', 'root', 'rewrite'])

/** Only the first match of a group runs. A single line, and lines that only change the request, need no block. */
function grouped(route: Json, lines: readonly Directive[], matcher?: string): readonly Directive[] {
  const plain = lines.every(({ words }) => withoutBlock.has(words[0].text))
  const alone = lines.length === 1 && entry(route, 'group') === undefined
  if (plain || alone) return lines.map((one) => matched(one, matcher))
  const name = entry(route, 'group') === undefined ? 'route' : 'handle'
  return [line(word(route, name), matcher === undefined ? [] : [word(route, matcher)], lines)]
}

/** Puts the matcher in front of the other words, or in place of `*`. */
function matched(directive: Directive, matcher: string | undefined): Directive {
  if (matcher === undefined) return directive
  const [name, ...words] = directive.words
  const values = words[0]?.text === '*' ? words.slice(1) : words
  return { ...directive, words: [name, { ...name, text: matcher }, ...values] }
}

/** Recognizes `try_files` in JSON: a file matcher with a rewrite to the file it finds. */
function triedFiles(route: Json, sets: readonly Json[]): readonly Json[] | undefined {
  const [set] = sets
  const [handler] = itemsOf(route, 'handle')
  const files = itemsOf(set, 'file', 'try_files')
  const isRewrite = textOf(handler, 'uri')?.startsWith('{http.matchers.file.relative}') === true
  return sets.length === 1 && files.length > 0 && isRewrite && set?.entries?.size === 1 ? files : undefined
}
