/** Starts gateway threads: the code of gateway/thread.ts, which waits for its setup. */
import type { Worker } from 'node:worker_threads'
import { heapLimit } from '../../gateway/heartbeat.ts'
import { startWorker } from './start-worker.ts'

/**
 * What V8 may give a thread. A gateway holds little between requests, and bodies are Buffers, outside this heap. A young
 * generation of 16 MB is the smallest that costs no CPU, in paired rounds of the plain proxy: 0.93 to 0.98 times that of
 * 32 MB, 8 MB 0.96 to 1.03, 4 MB 0.95 to 1.07, 2 MB 1.15 to 1.26. The peak under load is 10 MB lower than with 32 MB,
 * with 1,000 connections 17 MB. A flood of h2 resets fills a larger one, and its memory must stay bounded: with 48 MB two
 * threads grew by 101 MB.
 *
 * The old generation is four times our own limit (`heapLimit`): a loop that fills the heap, at a gigabyte a second,
 * must be noticed and ended in order before V8 aborts the thread (docs/adr/0015-ending-threads.md).
 */
const resourceLimits = { maxOldGenerationSizeMb: (4 * heapLimit) / 1_048_576, maxYoungGenerationSizeMb: 16 }

let early: Worker | undefined

/**
 * Starts the first thread before it is known what the plan asks for: on a second CPU it loads while the plan is read.
 * For `takeThread` or `endEarlyThread`.
 */
export function startEarlyThread(): void {
  // If it cannot even load, the thread that is started in its place says why.
  early = startThread().once('error', forgetEarly).once('exit', forgetEarly)
}

function forgetEarly(): void {
  early = undefined
}

/** A thread without a setup yet: the early one, or a new one. */
export function takeThread(): Worker {
  const thread = early?.off('error', forgetEarly).off('exit', forgetEarly) ?? startThread()
  early = undefined
  return thread
}

/** To be called when all threads that the plan asks for have been taken. */
export function endEarlyThread(): void {
  void early?.terminate()
}

function startThread(): Worker {
  const code = { asset: 'gateway-thread.js', source: 'gateway/thread.ts' } as const
  return startWorker(code, { name: 'gateway', resourceLimits })
}
