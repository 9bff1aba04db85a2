/**
 * The heartbeat of a gateway thread, in memory that it shares with the main thread: a thread that is stuck in a loop
 * answers no message, but what it wrote last can still be read.
 */

import { getHeapStatistics } from 'node:v8'
import type { Bytes } from '../shared/bytes.ts'
import type { Milliseconds } from '../shared/time/duration.ts'
import { setInterval } from '../shared/time/timer.ts'

/** The interval between two beats of a healthy thread. */
export const heartbeatInterval: Milliseconds = 100

/**
 * The limit of a thread's heap. The main thread enforces it, below V8's own: nothing can be saved of a thread that
 * reaches that one (see app/workers/worker.ts and docs/adr/0015-ending-threads.md).
 */
export const heapLimit: Bytes = 256 * 1_048_576

/** Indices into the shared numbers. Beats count up; the rest is in bytes. */
const cells = { beats: 0, heap: 1, progress: 2, external: 3, building: 4, accepted: 5 } as const

export interface HeartbeatState {
  /** 0: the thread has not started yet. */
  readonly beats: number
  readonly heap: number
  readonly heapLimit: number
  /**
   * Counts up with each request that begins or ends, even while no beat comes because one turn of the event loop is
   * long.
   */
  readonly progress: number
  /** Connections accepted since the thread started. */
  readonly accepted: number
  /** It builds a new generation, which may block its event loop on a slow machine with thousands of routes. */
  readonly building: boolean
  /** Buffers: not bounded by the heap limit. */
  readonly external: number
}

export function createHeartbeat(): SharedArrayBuffer {
  return new SharedArrayBuffer(Object.keys(cells).length * Float64Array.BYTES_PER_ELEMENT)
}

/** What a thread reports between its beats. */
export interface Heartbeat {
  /** A request has begun or ended. */
  progressed(): void
  /** A connection was accepted. */
  accepted(): void
  builds(building: boolean): void
}

/** Beats from now on, as long as the thread's event loop turns. Does not keep the thread alive. */
export function startHeartbeat(heartbeat: SharedArrayBuffer): Heartbeat {
  const written = new Float64Array(heartbeat)
  const beat = () => {
    const { used_heap_size, external_memory } = getHeapStatistics()
    written[cells.heap] = used_heap_size
    written[cells.external] = external_memory
    written[cells.beats] = (written[cells.beats] ?? 0) + 1
  }
  beat()
  setInterval(beat, heartbeatInterval).unref()
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

export function readHeartbeat(heartbeat: SharedArrayBuffer): HeartbeatState {
  const [beats = 0, heap = 0, progress = 0, external = 0, building = 0, accepted = 0] = new Float64Array(heartbeat)
  return { beats, heap, heapLimit, progress, accepted, external, building: building === 1 }
}
