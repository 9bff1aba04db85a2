/** Where the figures go: bench/results/, which git ignores, and docs/. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join, resolve } from 'node:path'
import type { Comparison, Options } from '../compare.ts'
import { failureList, ratioTable, serverTable, versions } from './markdown.ts'
import { plot } from './plot.ts'

const project = resolve(import.meta.dirname, '../..')
const page = join(project, 'docs/performance.md')
const drawing = join(project, 'docs/performance.svg')
const markers = { begin: '<!-- begin of what `npm run bench` writes -->', end: '<!-- end -->' }

/** Writes figures with time and machine to a JSON file; returns its path. The next one of this name replaces it. */
export function save(name: string, figures: unknown): string {
  const folder = join(project, 'bench/results')
  mkdirSync(folder, { recursive: true })
  const machine = { cpu: cpus()[0]?.model, cpus: cpus().length, kernel: release() }
  const path = join(folder, `${name}.json`)
  writeFileSync(path, `${JSON.stringify({ time: new Date().toISOString(), machine, figures }, null, 1)}\n`)
  return path
}

/** Replaces the generated part of docs/performance.md, and the plot. */
export function writePage(comparison: Comparison, options: Options): void {
  const svg = plot(comparison.results)
  if (svg !== undefined) writeFileSync(drawing, svg)
  writeFileSync(page, withGenerated(readFileSync(page, 'utf8'), generated(comparison, options, svg !== undefined)))
}

/** The text with another generated part; throws if it has no place for one. */
export function withGenerated(text: string, part: string): string {
  const begin = text.indexOf(markers.begin)
  const end = text.indexOf(markers.end, begin)
  if (begin === -1 || end === -1) throw new Error(`docs/performance.md lacks a line ${markers.begin} or ${markers.end}`)
  return `${text.slice(0, begin + markers.begin.length)}\n\n${part}\n\n${text.slice(end)}`
}

function generated(comparison: Comparison, { rounds, seconds }: Options, plotted: boolean): string {
  const { results, cpus: sets } = comparison
  const failures = failureList(results)
  const shared = sets.apart ? '' : ' With two threads, the server shares its second CPU with the load.'
  return [
    '## Against Caddy',
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus()[0]?.model}, ${cpus().length} CPUs, Linux ${release()}.`,
    `Servers: ${versions(comparison)}.`,
    `${rounds} rounds of ${seconds} s.${shared}`,
    'Medians of the ratios of the rounds, and their range: below 1 Gatehouse takes less, or does less a second.',
    ratioTable(results),
    '## Every server',
    serverTable(results),
    ...(plotted ? ['## By routes and connections', '![CPU microseconds a proxied request](performance.svg)'] : []),
    ...(failures === '' ? [] : ['## What failed', failures]),
  ].join('\n\n')
}
