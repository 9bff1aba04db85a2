import type { IncomingMessage } from 'node:http'
import type { Bytes } from '../bytes.ts'
import type { Milliseconds } from '../time/duration.ts'
import { setTimeout } from '../time/timer.ts'

const mostBytes: Bytes = 4_194_304
const longest: Milliseconds = 2_000

/**
 * Reads and discards a response of which only the status matters: cutting it would make programs log a broken pipe at
 * each check. It is cut all the same when it is too long or takes too long.
 */
export function readToEnd(answer: IncomingMessage): void {
  let left = mostBytes
  const late = setTimeout(() => answer.destroy(), longest).unref()
  answer.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) answer.destroy()
  })
  answer.on('error', () => {}) // the status is known already
  answer.once('close', () => clearTimeout(late))
}
