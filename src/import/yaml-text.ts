/**
 * Writes our configuration as YAML for people to edit: what fits on a line stays on one, and comments go above their
 * entries. The `yaml` package can neither pad mappings alone nor fill a list over several lines
 * (docs/adr/0030-dependencies.md).
 */
import type { Comment, Entries, Value } from './reading.ts'

const maxWidth = 110

/** `head` holds the lines of the comment at the top, without `#`. */
export function yamlText(config: Entries, comments: readonly Comment[], head: readonly string[]): string {
  const remarks = new Map<string, string[]>()
  for (const { path, text } of comments) {
    const key = JSON.stringify(path)
    remarks.set(key, [...(remarks.get(key) ?? []), ...text.split('\n')])
  }
  const sections = Object.entries(config).map(([key, value]) =>
    entryLines(key, value, { remarks, path: [], indent: 0 }),
  )
  // Sections of one line are grouped; longer ones are set apart by empty lines.
  const paragraphs = sections.map((lines, index) => {
    const isApart = lines.length > 1 || (sections[index - 1]?.length ?? 0) > 1
    return `${isApart ? '\n' : ''}${lines.join('\n')}`
  })
  return `${[...head.flatMap((text) => text.split('\n')).map(commented), ...paragraphs].join('\n')}\n`
}

interface Context {
  readonly remarks: ReadonlyMap<string, readonly string[]>
  readonly path: readonly (string | number)[]
  readonly indent: number
}

function entryLines(key: string, value: Value, context: Context): readonly string[] {
  const path = [...context.path, key]
  const margin = ' '.repeat(context.indent)
  const head = `${margin}${scalar(key)}:`
  const line = `${head} ${inline(value)}`
  const above = remarksAt(context.remarks, path).map((text) => margin + commented(text))
  // Sections of named entries are always multi-line, because they grow.
  const apart = context.indent === 0 && isCollection(value) && isGrowing(value)
  if (!apart && fits(line) && !hasRemarks(context.remarks, path)) return [...above, line]
  if (!isCollection(value)) return [...above, line]
  if (Array.isArray(value) && !hasRemarks(context.remarks, path) && value.every(isShort))
    return [...above, ...filled(head, value)]
  return [...above, head, ...inner(value, { ...context, path, indent: context.indent + 2 })]
}

/** A list of words filled over several lines, like text. */
function filled(head: string, items: readonly Value[]): readonly string[] {
  const margin = ' '.repeat(head.search(/\S/) + 2)
  const lines: string[] = []
  let line = `${head} [`
  for (const [index, item] of items.entries()) {
    const word = inline(item) + (index === items.length - 1 ? ']' : ',')
    if (line.endsWith('[')) line += word
    else if (fits(`${line} ${word}`)) line += ` ${word}`
    else {
      lines.push(line)
      line = margin + word
    }
  }
  return [...lines, line]
}

/** Scalars, and mappings that are as short: `{ words: "${ARGS}" }`. */
function isShort(value: Value): boolean {
  return !isCollection(value) || Object.values(value).every((part) => !isCollection(part))
}

function inner(value: Collection, context: Context): readonly string[] {
  if (!Array.isArray(value)) return Object.entries(value).flatMap(([key, part]) => entryLines(key, part, context))
  return value.flatMap((item: Value, index) => itemLines(item, { ...context, path: [...context.path, index] }))
}

function itemLines(item: Value, context: Context): readonly string[] {
  const margin = ' '.repeat(context.indent)
  const above = remarksAt(context.remarks, context.path).map((text) => margin + commented(text))
  const line = `${margin}- ${inline(item)}`
  if (!isCollection(item) || (fits(line) && !hasRemarks(context.remarks, context.path))) return [...above, line]
  const [first = '', ...rest] = inner(item, { ...context, indent: context.indent + 2 })
  // A comment above the first entry has to go between the dash and its mapping.
  if (first.trimStart().startsWith('#')) return [...above, `${margin}-`, first, ...rest]
  return [...above, `${margin}- ${first.trimStart()}`, ...rest]
}

type Collection = readonly Value[] | { readonly [key: string]: Value }

function isCollection(value: Value): value is Collection {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0
}

function isGrowing(value: Collection): boolean {
  return Object.values(value).some((part) => typeof part === 'object' && part !== null)
}

function fits(line: string): boolean {
  return line.length <= maxWidth
}

function inline(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`
  if (typeof value !== 'object' || value === null) return scalar(value)
  const entries = Object.entries(value).map(([key, part]) => `${scalar(key)}: ${inline(part)}`)
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
}

/** Quoted unless every YAML parser, including YAML 1.1, reads it as this text. */
function scalar(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return String(value)
  const isWord = /^(?:[A-Za-z_/]|--?[A-Za-z])(?:[\w/.+~*@%=-]|:(?=[\w/]))*$/.test(value)
  const isMeasure = /^\d+(?:ms|s|m|h|d|y|[KMG]i?B|B)$/.test(value)
  const isOther = /^(?:true|false|null|yes|no|on|off|y|n)$/i.test(value)
  return (isWord || isMeasure) && !isOther ? value : JSON.stringify(value)
}

function commented(text: string): string {
  return text === '' ? '#' : `# ${text}`
}

function remarksAt(remarks: Context['remarks'], path: Context['path']): readonly string[] {
  return remarks.get(JSON.stringify(path)) ?? []
}

/** Whether there are comments inside, so that it cannot go on one line. */
function hasRemarks(remarks: Context['remarks'], path: Context['path']): boolean {
  const start = `${JSON.stringify(path).slice(0, -1)},`
  return [...remarks.keys()].some((key) => key.startsWith(start))
}
