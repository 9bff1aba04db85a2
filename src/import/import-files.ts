/** Imports foreign files, in the given order, as one configuration. */
import { dirname, isAbsolute, join } from 'node:path'
import { readCaddyfile, readCaddyJson } from './caddy/read-caddyfile.ts'
import { readCompose } from './compose/read.ts'
import type { Kind } from './kind.ts'
import { withDashboard } from './merge/dashboard.ts'
import { withDistinctNames } from './merge/distinct-names.ts'
import { joinPorts } from './merge/join-ports.ts'
import { inSectionOrder, type Merged, merge, type ReadFile } from './merge/merge.ts'
import { withOneBudget } from './merge/shutdown-budget.ts'
import { withoutSingleTargetUpstreams } from './merge/single-target-upstreams.ts'
import { withoutWebServer } from './merge/web-server.ts'
import type { Finding } from './reading.ts'
import { readSupervisord } from './supervisord/read.ts'

export interface ForeignFile {
  /** The path as given. */
  readonly file: string
  readonly text: string
  readonly kind: Kind
}

/** Access to the machine for files that name others. */
export interface FileAccess {
  /** Undefined: it cannot be read. */
  readonly readFile: (path: string) => string | undefined
  /** Files that match a shell pattern, sorted by name. */
  readonly glob: (pattern: string) => readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export function importFiles(files: readonly ForeignFile[], access: FileAccess): Merged {
  const readings = withOneBudget(readAll(files, access))
  const isFronted = files.some(({ kind }) => kind === 'caddyfile' || kind === 'caddy-json')
  const whole = withDistinctNames(merge(readings))
  const merged = isFronted ? withoutWebServer(whole) : whole
  const page = readings.find(({ reading }) => reading.page !== undefined)?.reading.page
  const hosts = Object.assign({}, ...readings.map(({ reading }) => reading.hosts ?? {}))
  const { config, comments, findings, places } = joinPorts(
    withoutSingleTargetUpstreams(page ? withDashboard(merged, page) : merged, hosts),
    hosts,
  )
  const given = files.map(({ file }) => file)
  return { config: inSectionOrder(config), comments, findings: byPlace(findings, given), places }
}

/** Sorts findings by file, given files before those that they include, then by line. */
function byPlace(findings: readonly Finding[], given: readonly string[]): readonly Finding[] {
  const files = [...new Set([...given, ...findings.map(({ file }) => file)])]
  return [...findings].sort(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  )
}

/** supervisord reads its files as one; all others are read separately. */
function readAll(files: readonly ForeignFile[], access: FileAccess): readonly ReadFile[] {
  const supervised = files.filter(({ kind }) => kind === 'supervisord')
  return files.flatMap(({ file, text, kind }): readonly ReadFile[] => {
    if (kind === 'supervisord')
      return file === supervised[0]?.file
        ? [{ file, reading: readSupervisord(supervised.map((one) => ({ ...one, ...access }))) }]
        : []
    const readFile = (path: string) => access.readFile(isAbsolute(path) ? path : join(dirname(file), path))
    if (kind === 'caddy-json') return [{ file, reading: readCaddyJson({ file, text }) }]
    return kind === 'compose'
      ? [{ file, reading: readCompose({ file, text, readFile }) }]
      : [{ file, reading: readCaddyfile({ file, text, ...access }) }]
  })
}
