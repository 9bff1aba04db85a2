/** Log files of programs: supervisord names a file for each stream, here all are below one `log.directory`. */

import { basename, dirname } from 'node:path'
import { marked, written } from '../marked.ts'
import type { Entries } from '../reading.ts'
import type { Report } from '../reports.ts'
import type { Known } from './expansion.ts'
import type { Keys, Read } from './keys.ts'
import { bytesWritten } from './scalars.ts'

export interface LogFiles {
  readonly streams: readonly StreamFile[]
  /** stderr goes to the file of stdout. */
  readonly together: Read<boolean> | undefined
}

interface StreamFile {
  readonly stream: 'stdout' | 'stderr'
  readonly path: Read<string>
  readonly maxbytes: Read<number> | undefined
  readonly backups: Read<number> | undefined
}

/** Named log files; supervisord's automatic ones are temporary. */
export function readLogFiles(keys: Keys, own: Known): LogFiles {
  const together = keys.boolean('redirect_stderr')
  const streams = (['stdout', 'stderr'] as const).flatMap((stream) => {
    const path = keys.text(`${stream}_logfile`, own)
    const maxbytes = keys.bytes(`${stream}_logfile_maxbytes`)
    const backups = keys.integer(`${stream}_logfile_backups`)
    const idle = stream === 'stderr' && together?.value
    return path && !idle && !/^(auto|syslog)$/i.test(path.value) ? [{ stream, path, maxbytes, backups }] : []
  })
  return { streams, together }
}

interface Logged {
  readonly name: string
  readonly logs: LogFiles
}

export interface LogDecision {
  /** Our `log`, if any program has files. */
  readonly log: Entries | undefined
  /** Programs without files, while others have some. */
  readonly without: ReadonlySet<string>
}

const nowhere = /^(none|off|\/dev\/(null|stdout|stderr|fd\/[12]|tty|console)|\/proc\/(self|1)\/fd\/[12])$/i

/** One directory and one size for all: the most frequent ones. Differences are reported at their places. */
export function decideLogs(programs: readonly Logged[], report: Report): LogDecision {
  const files = programs.flatMap(({ name, logs }) =>
    logs.streams
      .filter(({ path }) => !nowhere.test(path.value))
      .map((file) => ({ ...file, name, together: logs.together })),
  )
  const folder = mostFrequent(files.map(({ path, name }) => folderOf(path.value, name)))
  if (folder === undefined) return { log: undefined, without: new Set() }
  const size = mostFrequent(files.map(({ maxbytes }) => maxbytes?.value ?? defaultSize)) ?? defaultSize
  const kept = mostFrequent(files.map(({ backups }) => backups?.value ?? defaultBackups)) ?? defaultBackups
  const rotate = { size: bytesWritten(size > 0 ? size : defaultSize), keep: Math.min(Math.max(kept, 1), 1000) }
  for (const { path, name, stream, maxbytes, backups, together } of files) {
    const ours = `${folder}/${name}/${marked('HOSTNAME')}-${stream}.log`
    if (path.value !== ours)
      report(path.at, 'changed', `this file is now \`${written(folder)}/${name}/<hostname>-${stream}.log\``)
    if (maxbytes && maxbytes.value !== size)
      report(maxbytes.at, 'changed', `a file rotates at ${rotate.size}: one size applies to all programs`)
    else if (maxbytes?.value === 0)
      report(maxbytes.at, 'changed', `a file rotates at ${rotate.size}: files are always rotated`)
    if (backups && backups.value !== rotate.keep)
      report(
        backups.at,
        'changed',
        `${rotate.keep} older files are kept, compressed: one number of 1 or more applies to all programs`,
      )
    if (together?.value) report(together.at, 'changed', 'stdout and stderr have a file each')
  }
  const without = programs.filter(
    ({ logs }) => logs.streams.length > 0 && logs.streams.every(({ path }) => nowhere.test(path.value)),
  )
  return { log: { directory: written(folder), rotate }, without: new Set(without.map(({ name }) => name)) }
}

const defaultSize = 50 * 1024 ** 2
const defaultBackups = 10

/** The directory of the file, or its parent if it is named like the program. */
function folderOf(path: string, program: string): string {
  const folder = dirname(path)
  return basename(folder) === program ? dirname(folder) : folder
}

function mostFrequent<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  const [most] = [...counts].sort(([, a], [, b]) => b - a)
  return most?.[0]
}
