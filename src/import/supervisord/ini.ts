/**
 * The file format of supervisord: Python's configparser with supervisord's settings (`;` and `#` after white space
 * begin a comment anywhere, sections and keys may repeat).
 */

import type { Place } from '../reports.ts'

export interface Entry {
  /** In lower case, as keys are compared. */
  readonly key: string
  /** The lines of a multi-line value, joined by line ends. */
  readonly value: string
  readonly at: Place
}

export interface Section {
  readonly name: string
  readonly at: Place
  readonly entries: readonly Entry[]
}

export interface Ini {
  readonly sections: readonly Section[]
  /** Lines that are neither a section nor an entry: supervisord refuses such a file. */
  readonly invalid: readonly Place[]
}

interface OpenEntry {
  readonly key: string
  readonly lines: string[]
  readonly at: Place
}

interface OpenSection {
  readonly name: string
  readonly at: Place
  readonly entries: OpenEntry[]
}

export function parseIni(file: string, text: string): Ini {
  const sections: OpenSection[] = []
  const invalid: Place[] = []
  let section: OpenSection | undefined
  let entry: OpenEntry | undefined
  /** A line with deeper indentation continues the value above it. */
  let depth = 0
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const content = withoutComment(raw)
    const indent = raw.search(/\S/)
    if (content.trim() === '') {
      // An empty line continues the value, so that later lines still can; a comment line does not.
      if (raw.trim() === '') entry?.lines.push('')
      continue
    }
    const at: Place = { file, line: index + 1, column: indent + 1 }
    if (entry && indent > depth) {
      entry.lines.push(content.trim())
      continue
    }
    depth = indent
    entry = undefined
    const header = /^\[(.+)\]/.exec(content.trim())?.[1]
    const [, key, value = ''] = /^\s*(.*?)\s*[=:]\s*(.*?)\s*$/.exec(content) ?? []
    if (header !== undefined) {
      section = { name: header, at, entries: [] }
      sections.push(section)
    } else if (section && key) {
      entry = { key: key.toLowerCase(), lines: [value], at }
      section.entries.push(entry)
    } else invalid.push(at)
  }
  return { sections: sections.map(closed), invalid }
}

function closed({ name, at, entries }: OpenSection): Section {
  return { name, at, entries: entries.map(({ key, lines, at }) => ({ key, value: lines.join('\n').trimEnd(), at })) }
}

function withoutComment(line: string): string {
  const start = line.search(/(?:^|\s)[;#]/)
  return start === -1 ? line : line.slice(0, start)
}
