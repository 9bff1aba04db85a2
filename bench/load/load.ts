/** What all load clients have in common. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

export interface LoadResult {
  /** Answered requests (or messages, or handshakes). */
  readonly requests: number
  /** Requests a second. */
  readonly rate: number
  /** Milliseconds; undefined if the client does not measure it. */
  readonly p50?: number
  readonly p99?: number
  /** Answers with another status than 2xx and 3xx, wrong answers, and connection errors. */
  readonly failures: number
}

/** Runs a load client to its end and returns its standard output; rejects if it fails. */
export async function run(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, complaints, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  if (code !== 0) throw new Error(`${program} ended with ${code ?? signal}: ${(complaints || output).slice(-500)}`)
  return output
}
