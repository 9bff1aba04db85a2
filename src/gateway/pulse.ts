/**
 * The signs of life of a gateway thread, in memory that it shares with the main thread: a thread that is stuck in a loop
 * answers no message, but what it wrote last can still be read.
 */
import { getHeapStatistics } from 'node:v8'
import type { Milliseconds } from '../shared/duration.ts'

/** How often a thread that is well beats. */
export const beatEvery: Milliseconds = 250

/** Indices into the shared numbers. Beats count up; the rest is in bytes. */
const cells = { beats: 0, heap: 1, heapLimit: 2, external: 3 } as const

export interface Vitals {
  /** 0: it has not begun to live yet. */
  readonly beats: number
  readonly heap: number
  readonly heapLimit: number
  /** Buffers: no heap limit holds them back. */
  readonly external: number
}

export function createPulse(): SharedArrayBuffer {
  return new SharedArrayBuffer(Object.keys(cells).length * Float64Array.BYTES_PER_ELEMENT)
}

/** Beats from now on, for as long as the thread's event loop turns. Keeps no thread alive that has nothing else to do. */
export function beatInto(pulse: SharedArrayBuffer): void {
  const written = new Float64Array(pulse)
  const beat = () => {
    const { used_heap_size, heap_size_limit, external_memory } = getHeapStatistics()
    written[cells.heap] = used_heap_size
    written[cells.heapLimit] = heap_size_limit
    written[cells.external] = external_memory
    written[cells.beats] = (written[cells.beats] ?? 0) + 1
  }
  beat()
  setInterval(beat, beatEvery).unref()
}

export function readPulse(pulse: SharedArrayBuffer): Vitals {
  const [beats = 0, heap = 0, heapLimit = 0, external = 0] = new Float64Array(pulse)
  return { beats, heap, heapLimit, external }
}
