import type { ProcessStatus, Status } from '../../control/contract/contract.ts'
import { noteOf } from '../../control/process-notes.ts'
import { formatBytes } from '../../shared/bytes.ts'
import { oneLine } from '../../shared/one-line.ts'
import { formatDuration } from '../../shared/time/duration.ts'
import { certificateLines } from '../certs/certificate-lines.ts'
import { type Format, type Paint, painter } from '../paint.ts'

export interface TableOptions {
  readonly colour: boolean
  /** Columns of the terminal; notes are wrapped to it. */
  readonly width: number
}

/**
 * The status as a table for people: listeners, a line for each process with what is wrong with it, certificates,
 * warnings.
 */
export function renderStatus(status: Status, { colour, width }: TableOptions): string {
  const paint = painter(colour)
  const parts = [headLines(status, paint), processLines(status.processes, width, paint)]
  parts.push(...status.processes.flatMap((process) => lastLines(process, paint)))
  if (status.certificates.length > 0) parts.push(status.certificates.map((one) => certificateLines(one, paint)))
  if (status.warnings.length > 0) parts.push(status.warnings.map((one) => paint('yellow', `warning: ${oneLine(one)}`)))
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function headLines(status: Status, paint: Paint): string[] {
  const { version, pid, uptime, config, listeners, starting, stopping } = status
  const title = paint('bold', `gatehouse ${version}`)
  const phase = stopping ? '  stopping' : starting ? '  starting' : ''
  const addresses = listeners.map(({ address, tls }) => `${tls ? 'https' : 'http'}://${address}`)
  return [
    `${title}  pid ${pid}  up ${formatDuration(uptime)}${phase}  ${config}`,
    addresses.length === 0 ? 'no listeners' : `listening on ${addresses.join('  ')}`,
    ...descriptorLine(status),
  ]
}

function descriptorLine({ descriptors }: Status): string[] {
  if (descriptors?.limit === undefined) return []
  return [`${descriptors.open} of ${descriptors.limit} file descriptors in use`]
}

interface Column {
  readonly title: string
  readonly alignment: 'left' | 'right'
  cell(process: ProcessStatus): string
  /** Left out if it is empty for every process. */
  readonly optional?: boolean
}

const allColumns: readonly Column[] = [
  { title: 'NAME', alignment: 'left', cell: ({ name }) => name },
  { title: 'STATE', alignment: 'left', cell: ({ state }) => state },
  { title: 'READY', alignment: 'left', cell: ({ ready }) => (ready ? 'yes' : 'no') },
  { title: 'PID', alignment: 'right', cell: ({ pid }) => (pid === undefined ? '-' : String(pid)) },
  {
    title: 'PORT',
    alignment: 'right',
    cell: ({ port }) => (port === undefined ? '-' : String(port)),
    optional: true,
  },
  {
    title: 'UPTIME',
    alignment: 'right',
    cell: ({ uptime }) => (uptime === undefined ? '-' : formatDuration(uptime)),
  },
  { title: 'MEMORY', alignment: 'right', cell: ({ memory }) => (memory ? memoryWords(memory) : '-') },
  { title: 'RESTARTS', alignment: 'right', cell: ({ restarts }) => String(restarts) },
]

function memoryWords({ used, limit }: NonNullable<ProcessStatus['memory']>): string {
  return limit === undefined ? formatBytes(used) : `${formatBytes(used)} / ${formatBytes(limit)}`
}

const gap = '  '
/** A narrower note would be a column of single words: rather let it exceed the width. */
const narrowestNote = 24

function processLines(processes: readonly ProcessStatus[], width: number, paint: Paint): string[] {
  if (processes.length === 0) return ['no processes']
  const columns = allColumns.filter(
    ({ optional, cell }) => !optional || processes.some((process) => cell(process) !== '-'),
  )
  const widths = columns.map(({ title, cell }) =>
    Math.max(title.length, ...processes.map((process) => cell(process).length)),
  )
  const indent = widths.reduce((sum, columnWidth) => sum + columnWidth + gap.length, 0)
  const noteWidth = Math.max(width - indent, narrowestNote)
  const line = (cells: readonly string[], note: string, format?: Format) => {
    const padded = cells.map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.alignment))
    const painted = padded.map((cell, index) => (format && index > 0 && index < 3 ? paint(format, cell) : cell))
    return [...painted, wrap(note, noteWidth).join(`\n${' '.repeat(indent)}`)].join(gap).trimEnd()
  }
  const head = line(
    columns.map(({ title }) => title),
    '',
  )
  const rows = processes.map((process) =>
    line(
      columns.map(({ cell }) => cell(process)),
      noteOf(process),
      formatOf(process),
    ),
  )
  return [paint('dim', head), ...rows]
}

/** The last output of a process that is down or crashing, which often has the reason. */
function lastLines({ name, state, exit, lastRun, lastOutput = [] }: ProcessStatus, paint: Paint): string[][] {
  const hasFailed = state === 'exited' && (lastRun?.failed || (exit && exit.code !== 0))
  if (lastOutput.length === 0 || !(state === 'fatal' || state === 'backoff' || hasFailed)) return []
  return [[paint('dim', `last lines of ${name}:`), ...lastOutput.map((line) => `  ${oneLine(line)}`)]]
}

function pad(text: string, width: number, alignment: Column['alignment'] = 'left'): string {
  return alignment === 'left' ? text.padEnd(width) : text.padStart(width)
}

/** Breaks at spaces; a word that is longer than a line gets a line of its own. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

/** Green is fine, yellow is in progress or requested, red needs an operator. */
function formatOf({ state, ready, exit, lastRun }: ProcessStatus): Format {
  switch (state) {
    case 'running':
      return ready ? 'green' : 'yellow'
    case 'waiting':
    case 'starting':
    case 'parked':
    case 'stopping':
    case 'backoff':
      return 'yellow'
    case 'fatal':
      return ['red', 'bold']
    case 'exited':
      return lastRun?.failed || (exit && exit.code !== 0) ? 'red' : 'dim'
    case 'stopped':
      return 'dim'
  }
}
