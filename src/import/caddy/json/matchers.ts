/** A set of matchers as the block of a named matcher. */
import type { Directive } from '../syntax/tree.ts'
import { line, word } from './lines.ts'
import { entriesOf, itemsOf, type Json, textOf } from './tree.ts'

/** The lines of one set: all of them must match. */
export function matcherLines(set: Json): readonly Directive[] {
  return entriesOf(set).flatMap(([name, json]): Directive[] => {
    const named = word(json, name)
    switch (name) {
      case 'path':
      case 'host':
      case 'method':
        return [line(named, json.items)]
      case 'header':
        return entriesOf(json).map(([field, values]) =>
          values.items ? line(named, [word(values, field), ...values.items]) : line(named, [word(values, `!${field}`)]),
        )
      case 'path_regexp':
        return [line(named, [word(json, textOf(json, 'pattern') ?? '')])]
      case 'remote_ip':
      case 'client_ip':
        return [line(named, itemsOf(json, 'ranges'))]
      case 'file':
        return [line(named, [], fileLines(json))]
      case 'not':
        // Several sets are alternatives, but lines of a block must all match.
        return json.items?.length === 1
          ? [line(named, [], matcherLines(json.items[0] as Json))]
          : [line(word(json, 'not (several)'))]
      case 'expression':
        return [line(named, [word(json, json.text ?? textOf(json, 'expr') ?? '')])]
      default:
        return [line(named)]
    }
  })
}

function fileLines(json: Json): readonly Directive[] {
  return entriesOf(json).flatMap(([name, value]): Directive[] => {
    if (name === 'try_files') return [line(word(value, name), value.items)]
    return [line(word(value, name), [value])]
  })
}
