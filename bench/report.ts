import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'

/** One round of one server. */
export interface Sample {
  readonly server: string
  /** CPU microseconds a request. */
  readonly cpu: number
  /** Requests a second. */
  readonly rate: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Peak resident bytes. */
  readonly memory: number
  readonly failures: number
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/**
 * Medians by server, with the ratio of the first server's to each: except for the rate, below 1 is better for the
 * first.
 */
export function printTable(title: string, samples: readonly Sample[]): void {
  const servers = [...new Set(samples.map(({ server }) => server))]
  const of = (server: string, figure: (sample: Sample) => number) =>
    median(samples.filter((sample) => sample.server === server).map(figure))
  const [ours = ''] = servers
  console.log(`\n${title}`)
  const header = ['server', 'CPU µs/request', 'ratio', 'requests/s', 'ratio', 'p50 ms', 'p99 ms', 'peak MB', 'failures']
  const rows = servers.map((server) => {
    const cpu = of(server, (sample) => sample.cpu)
    const rate = of(server, (sample) => sample.rate)
    return [
      server,
      cpu.toFixed(1),
      (of(ours, (sample) => sample.cpu) / cpu).toFixed(2),
      rate.toFixed(0),
      (of(ours, (sample) => sample.rate) / rate).toFixed(2),
      of(server, (sample) => sample.p50).toFixed(2),
      of(server, (sample) => sample.p99).toFixed(2),
      (of(server, (sample) => sample.memory) / 1e6).toFixed(0),
      String(samples.filter((sample) => sample.server === server).reduce((total, { failures }) => total + failures, 0)),
    ]
  })
  const widths = header.map((text, column) => Math.max(text.length, ...rows.map((row) => row[column]?.length ?? 0)))
  for (const row of [header, ...rows]) {
    console.log(
      `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`,
    )
  }
}

/** Writes the figures and the machine to dist/bench/, which git ignores; returns the path. */
export function save(name: string, figures: unknown): string {
  const folder = join(import.meta.dirname, '../dist/bench')
  mkdirSync(folder, { recursive: true })
  const time = new Date().toISOString()
  const machine = { cpu: cpus()[0]?.model, cpus: cpus().length, kernel: release() }
  const path = join(folder, `${time.replaceAll(':', '-')}-${name}.json`)
  writeFileSync(path, `${JSON.stringify({ time, machine, figures }, null, 2)}\n`)
  return path
}
