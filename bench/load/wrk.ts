/** wrk: HTTP/1.1, closed loop (each connection sends its next request after an answer). */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { programOf } from '../peers/programs.ts'
import { type LoadResult, run } from './load.ts'

export interface WrkLoad {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes of the body of a POST; default: GET. */
  readonly post?: number
  /** For its script. */
  readonly folder: string
}

export async function wrk({ url, connections, seconds, headers = {}, post, folder }: WrkLoad): Promise<LoadResult> {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '--timeout', '10s']
  for (const [name, value] of Object.entries(headers)) args.push('-H', `${name}: ${value}`)
  if (post !== undefined) {
    const script = join(folder, 'post.lua')
    writeFileSync(script, `wrk.method = "POST"\nwrk.body = string.rep("p", ${post})\n`)
    args.push('-s', script)
  }
  return readReport(await run(programOf('wrk'), [...args, url]))
}

/** Of the output of wrk; throws if there was no answer. */
export function readReport(report: string): LoadResult {
  const requests = Number(/(\d+) requests in/.exec(report)?.[1])
  if (!(requests > 0)) throw new Error(`wrk got no answer: ${report.slice(-500)}`)
  const bad = Number(/Non-2xx or 3xx responses: (\d+)/.exec(report)?.[1] ?? 0)
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(report)?.slice(1) ?? []
  return {
    requests: requests - bad,
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(report)?.[1]),
    p50: milliseconds(/50%\s+([\d.]+)(us|ms|s|m)/.exec(report)),
    p99: milliseconds(/99%\s+([\d.]+)(us|ms|s|m)/.exec(report)),
    failures: errors.reduce((total, count) => total + Number(count), bad),
  }
}

function milliseconds(match: RegExpExecArray | null): number {
  const factor = { us: 0.001, ms: 1, s: 1_000, m: 60_000 }[match?.[2] ?? ''] ?? Number.NaN
  return Number(match?.[1]) * factor
}
