import type { IncomingMessage } from 'node:http'
import type { Bytes } from '../bytes.ts'
import type { Milliseconds } from '../time/duration.ts'
import { setTimeout } from '../time/timer.ts'

const mostBytes: Bytes = 4_194_304
const longest: Milliseconds = 2_000

/**
 * Reads an answer of which only the status counts, and throws it away: programs that are cut off in the midst of writing log a broken
 * pipe with each check. An answer that does not end, in bytes or in time, is broken off all the same.
 */
export function readToEnd(answer: IncomingMessage): void {
  let left = mostBytes
  const late = setTimeout(() => answer.destroy(), longest).unref()
  answer.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) answer.destroy()
  })
  answer.on('error', () => {}) // the verdict is given already
  answer.once('close', () => clearTimeout(late))
}
