import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

export interface LoadResult {
  readonly requests: number
  /** Requests a second. */
  readonly rate: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Answers other than 2xx and 3xx, and socket errors. */
  readonly failures: number
}

export const loadProgram = '/usr/bin/wrk'

/** Loads a URL with wrk over keep-alive connections for a number of seconds. */
export async function load(url: string, connections: number, seconds: number): Promise<LoadResult> {
  const args = ['--threads', '1', '--connections', String(connections), '--duration', `${seconds}s`, '--latency', url]
  const child = spawn(loadProgram, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [report, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  if (code !== 0) throw new Error(`wrk ended with ${code}: ${report}`)
  return readReport(report)
}

function readReport(report: string): LoadResult {
  const find = (pattern: RegExp) => pattern.exec(report)
  const requests = Number(find(/(\d+) requests in/)?.[1])
  if (!(requests > 0)) throw new Error(`wrk sent nothing: ${report}`)
  const bad = Number(find(/Non-2xx or 3xx responses: (\d+)/)?.[1] ?? 0)
  const socket = find(/Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/)?.slice(1) ?? []
  return {
    requests,
    rate: Number(find(/Requests\/sec:\s+([\d.]+)/)?.[1]),
    p50: milliseconds(find(/50%\s+([\d.]+)(us|ms|s)/)),
    p99: milliseconds(find(/99%\s+([\d.]+)(us|ms|s)/)),
    failures: bad + socket.reduce((total, count) => total + Number(count), 0),
  }
}

function milliseconds(match: RegExpExecArray | null): number {
  const factor = { us: 0.001, ms: 1, s: 1_000 }[match?.[2] ?? ''] ?? Number.NaN
  return Number(match?.[1]) * factor
}
