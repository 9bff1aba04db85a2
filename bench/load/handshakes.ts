/** `openssl s_time`: a new TLS connection for each request of HTTP/1.0, several at a time. */
import { programOf } from '../peers/programs.ts'
import { type LoadResult, run } from './load.ts'

const parallel = 4

/** Resumed: with the ticket of an earlier connection; one that is not resumed is a failure. */
export async function handshakes(port: number, path: string, seconds: number, resumed: boolean): Promise<LoadResult> {
  const args = ['s_time', '-connect', `localhost:${port}`, '-www', path, '-time', String(seconds)]
  const started = performance.now()
  const outputs = await Promise.all(
    Array.from({ length: parallel }, () => run(programOf('openssl'), [...args, resumed ? '-reuse' : '-new'])),
  )
  const elapsed = (performance.now() - started) / 1000
  const counts = outputs.map((output) => readReport(output, resumed))
  const requests = counts.reduce((total, count) => total + count.requests, 0)
  const failures = counts.reduce((total, count) => total + count.failures, 0)
  if (requests === 0) throw new Error(`openssl made no connection: ${outputs[0]?.slice(-300)}`)
  return { requests, rate: requests / elapsed, failures }
}

/** Of the output of s_time, which has a letter for each connection: `r` for a resumed one. */
export function readReport(output: string, resumed: boolean): { readonly requests: number; readonly failures: number } {
  const report = /(\d+) connections in \d+ real seconds, (\d+) bytes read per connection/.exec(output)
  const requests = Number(report?.[1] ?? 0)
  // No answer: nobody knows how the handshakes ended.
  if (Number(report?.[2] ?? 0) === 0) return { requests: 0, failures: requests }
  const marks = /^[*rt]+$/m.exec(output)?.[0] ?? ''
  const others = resumed ? marks.replaceAll('r', '').length : marks.length - marks.replaceAll('r', '').length
  return { requests: requests - others, failures: others }
}
