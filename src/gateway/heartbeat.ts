/**
 * The signs of life of a gateway thread, in memory that it shares with the main thread: a thread that is stuck in a loop
 * answers no message, but what it wrote last can still be read.
 */

import { getHeapStatistics } from 'node:v8'
import type { Bytes } from '../shared/bytes.ts'
import type { Milliseconds } from '../shared/time/duration.ts'
import { setInterval } from '../shared/time/timer.ts'

/** How often a thread that is well beats. */
export const beatEvery: Milliseconds = 100

/**
 * What a thread's heap may hold. It is ours to watch over, since nothing can be saved of a thread that has reached V8's own limit,
 * which is higher (see app/workers/worker.ts and docs/adr/0015-ending-threads.md).
 */
export const heapLimit: Bytes = 256 * 1_048_576

/** Indices into the shared numbers. Beats count up; the rest is in bytes. */
const cells = { beats: 0, heap: 1, progress: 2, external: 3, building: 4, accepted: 5 } as const

export interface Vitals {
  /** 0: it has not begun to live yet. */
  readonly beats: number
  readonly heap: number
  readonly heapLimit: number
  /** Counts up with each request that begins or ends, even while no beat comes because one turn of the event loop is long. */
  readonly progress: number
  /** Connections, since the thread began. */
  readonly accepted: number
  /** It makes a new plan ready: on a slow machine with thousands of routes this may hold up its event loop. */
  readonly building: boolean
  /** Buffers: no heap limit holds them back. */
  readonly external: number
}

export function createHeartbeat(): SharedArrayBuffer {
  return new SharedArrayBuffer(Object.keys(cells).length * Float64Array.BYTES_PER_ELEMENT)
}

/** What a thread says of itself between its beats. */
export interface Heartbeat {
  /** A request has begun or ended. */
  progressed(): void
  /** A connection has come. */
  accepted(): void
  builds(building: boolean): void
}

/** Beats from now on, for as long as the thread's event loop turns. Keeps no thread alive that has nothing else to do. */
export function beatInto(heartbeat: SharedArrayBuffer): Heartbeat {
  const written = new Float64Array(heartbeat)
  const beat = () => {
    const { used_heap_size, external_memory } = getHeapStatistics()
    written[cells.heap] = used_heap_size
    written[cells.external] = external_memory
    written[cells.beats] = (written[cells.beats] ?? 0) + 1
  }
  beat()
  setInterval(beat, beatEvery).unref()
  return {
    progressed() {
      written[cells.progress] = (written[cells.progress] ?? 0) + 1
    },
    accepted() {
      written[cells.accepted] = (written[cells.accepted] ?? 0) + 1
    },
    builds(building) {
      written[cells.building] = building ? 1 : 0
    },
  }
}

export function readHeartbeat(heartbeat: SharedArrayBuffer): Vitals {
  const [beats = 0, heap = 0, progress = 0, external = 0, building = 0, accepted = 0] = new Float64Array(heartbeat)
  return { beats, heap, heapLimit, progress, accepted, external, building: building === 1 }
}
