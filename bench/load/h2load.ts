/** h2load: HTTP/2 over TLS, closed loop on each stream. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { percentile } from '../measure/statistics.ts'
import { programOf } from '../peers/programs.ts'
import { type LoadResult, run } from './load.ts'

export interface H2Load {
  readonly url: string
  readonly connections: number
  /** Concurrent requests on each connection. */
  readonly streams: number
  readonly seconds: number
  /** For its log. */
  readonly folder: string
}

export async function h2load({ url, connections, streams, seconds, folder }: H2Load): Promise<LoadResult> {
  const logs = mkdtempSync(join(folder, 'h2load-'))
  const log = join(logs, 'requests')
  const args = [`-c${connections}`, `-m${streams}`, '-t1', `-D${seconds}`, `--log-file=${log}`, url]
  try {
    const report = readReport(await run(programOf('h2load'), args))
    return { ...report, ...latencies(readFileSync(log, 'utf8')) }
  } finally {
    rmSync(logs, { recursive: true })
  }
}

/** Of the output of h2load; throws if there was no answer. */
export function readReport(report: string): LoadResult {
  const succeeded = Number(/(\d+) succeeded/.exec(report)?.[1])
  if (!(succeeded > 0)) throw new Error(`h2load got no answer: ${report.slice(-500)}`)
  const statuses = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(report)?.slice(1).map(Number) ?? []
  const [, , clientErrors = 0, serverErrors = 0] = statuses
  const [failed = 0, errored = 0, timeouts = 0] =
    /(\d+) failed, (\d+) errored, (\d+) timeout/.exec(report)?.slice(1).map(Number) ?? []
  return {
    requests: succeeded,
    rate: Number(/finished in [\d.]+\w+, ([\d.]+) req\/s/.exec(report)?.[1]),
    // Those that failed include those with another status.
    failures: Math.max(failed, clientErrors + serverErrors) + errored + timeouts,
  }
}

/** Of its log: lines of the time of the start, the status, and the duration in microseconds, parted by tabs. */
export function latencies(log: string): { readonly p50: number; readonly p99: number } {
  const durations = log.split('\n').flatMap((line) => {
    const duration = Number(line.split('\t')[2])
    return duration > 0 ? [duration / 1_000] : []
  })
  return { p50: percentile(durations, 0.5), p99: percentile(durations, 0.99) }
}
