/** The file and those that its `[include]` names, as one list of sections: the last of two equal keys wins. */

import { dirname, join, resolve } from 'node:path'
import type { Report } from '../reports.ts'
import { expand } from './expansion.ts'
import { type Entry, type Ini, parseIni, type Section } from './ini.ts'

/** A foreign file, and access to those that it includes. */
export interface IniSource {
  /** The path as given. */
  readonly file: string
  readonly text: string
  readonly readFile: (path: string) => string | undefined
  /** Files that match a pattern with `*`, `?` and `[...]`, sorted by name. */
  readonly glob: (pattern: string) => readonly string[]
  /** For variables in `[include]`. */
  readonly environment: Readonly<Record<string, string>>
}

/** The sections of all files; those of the same name are merged. */
export function readFiles(sources: readonly IniSource[], report: Report): readonly Section[] {
  const seen = new Set(sources.map(({ file }) => resolve(file)))
  const sections: Section[] = []
  for (const source of sources) {
    const ini = parsed(source.file, source.text, report)
    sections.push(...ini.sections)
    // Included files cannot include others.
    for (const { section, entry } of includesOf(ini)) {
      if (entry.key !== 'files') {
        report(entry.at, 'untranslated', `\`[${section.name}]\` has no key but \`files\``)
        continue
      }
      for (const file of included(source, entry, report)) {
        if (seen.has(resolve(file))) continue
        seen.add(resolve(file))
        const text = source.readFile(file)
        if (text === undefined) report(entry.at, 'untranslated', `\`${file}\` cannot be read`)
        else sections.push(...parsed(file, text, report).sections)
      }
    }
  }
  return merged(sections.filter(({ name }) => name !== 'include'))
}

function parsed(file: string, text: string, report: Report): Ini {
  const ini = parseIni(file, text)
  for (const at of ini.invalid)
    report(at, 'untranslated', 'this is neither `[section]` nor `key=value`: supervisord refuses such a file')
  return ini
}

function includesOf(ini: Ini): readonly { readonly section: Section; readonly entry: Entry }[] {
  return ini.sections
    .filter(({ name }) => name === 'include')
    .flatMap((section) => section.entries.map((entry) => ({ section, entry })))
}

function included({ file, glob, environment }: IniSource, entry: Entry, report: Report): readonly string[] {
  const folder = dirname(file)
  const variables = Object.entries(environment).map(([name, value]) => [`ENV_${name}`, value])
  const expansion = expand(entry.value, { ...Object.fromEntries(variables), here: resolve(folder) })
  if (!expansion.ok) {
    report(entry.at, 'untranslated', `\`files\` ${expansion.problem}`)
    return []
  }
  return expansion.text.split(/\s+/).flatMap((pattern) => {
    if (pattern === '') return []
    const [, missing] = /\ue000(\w+)\ue001/.exec(pattern) ?? []
    if (missing !== undefined) {
      report(
        entry.at,
        'untranslated',
        `variable ${missing} is not set here, so the included files are unknown: set it, or pass them as arguments after this one`,
      )
      return []
    }
    const files = glob(pattern.startsWith('/') ? pattern : join(folder, pattern))
    if (files.length === 0) report(entry.at, 'untranslated', `no file matches \`${pattern}\``)
    return files
  })
}

function merged(sections: readonly Section[]): readonly Section[] {
  const byName = new Map<string, Section>()
  for (const section of sections) {
    const before = byName.get(section.name)
    byName.set(section.name, before ? { ...before, entries: [...before.entries, ...section.entries] } : section)
  }
  return [...byName.values()].map((section) => ({ ...section, entries: lastOfEach(section.entries) }))
}

function lastOfEach(entries: readonly Entry[]): readonly Entry[] {
  return entries.filter(({ key }, index) => !entries.slice(index + 1).some((later) => later.key === key))
}
