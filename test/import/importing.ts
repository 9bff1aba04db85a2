/** Imports texts as if they were files, without a disk. */
import { matchesGlob } from 'node:path'
import { importFiles } from '../../src/import/import-files.ts'
import { type Kind, kindOf } from '../../src/import/kind.ts'
import type { Entries, Finding, Value } from '../../src/import/reading.ts'

export interface Imported {
  readonly config: Entries
  /** `file:line:column: severity: message`. */
  readonly lines: readonly string[]
  readonly comments: readonly string[]
}

/** Path → content: those in `given` are arguments (default: all), the others can be included. */
export function importTexts(
  texts: Readonly<Record<string, string>>,
  {
    given = Object.keys(texts),
    environment = {},
  }: { given?: readonly string[]; environment?: Record<string, string> } = {},
): Imported {
  const files = given.map((file) => {
    const text = texts[file] ?? ''
    return { file, text, kind: kindOf(file, text) as Kind }
  })
  const { config, findings, comments } = importFiles(files, {
    readFile: (path) => texts[path],
    glob: (pattern) => Object.keys(texts).filter((path) => matchesGlob(path, pattern)),
    environment,
  })
  return {
    config: config as Entries,
    lines: findings.map(line),
    comments: comments.map(({ path, text }) => `${path.join('.')}: ${text}`),
  }
}

function line({ file, line, column, severity, message }: Finding): string {
  return `${file}:${line}:${column}: ${severity}: ${message}`
}

/** The one process of a configuration. */
export function onlyProcess({ config }: Imported): Value | undefined {
  return Object.values((config.processes ?? {}) as Entries)[0]
}
