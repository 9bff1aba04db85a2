/** Our own stdout and stderr, opened so that a slow reader does not block our threads. */
import { constants, fstatSync, openSync } from 'node:fs'
import { descriptorFlags } from '../shared/system/descriptors.ts'

/** Can be sent to other threads. */
export interface OutputDescriptor {
  readonly fd: number
  /**
   * Present if a write may block, on a disk or on a terminal that cannot be made non-blocking: it then runs in Node's
   * thread pool, one write at a time, since DNS lookups and files need the other threads. An Int32: the `writerId` of
   * the thread that is writing, or 0.
   */
  readonly turn?: SharedArrayBuffer
}

/**
 * Main thread only. O_NONBLOCK is a property of an open file, which we may share with the shell that started us. So a
 * terminal is opened again, through /proc. Node makes pipes and sockets non-blocking, and restores them at its end.
 */
export function openOutput(fd: 1 | 2): OutputDescriptor {
  const facts = fstatSync(fd)
  if (facts.isFIFO() || facts.isSocket()) {
    // This access on the main thread makes it non-blocking for all threads.
    void (fd === 1 ? process.stdout : process.stderr)
    if (neverWaits(fd)) return { fd }
  }
  return (facts.isCharacterDevice() && openedAgain(fd)) || { fd, turn: new SharedArrayBuffer(4) }
}

/**
 * Node does so only for pipes and stream sockets: a datagram socket (unix(7)) would block when its reader's queue is
 * full.
 */
function neverWaits(fd: number): boolean {
  const flags = descriptorFlags(fd)
  // Without /proc we rely on Node.
  return flags === undefined || (flags & constants.O_NONBLOCK) !== 0
}

/** Undefined without /proc, or if the terminal belongs to another user. */
function openedAgain(fd: number): OutputDescriptor | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    return { fd: openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY) }
  } catch {
    return undefined
  }
}

/** Not 0, as `threadId` is for the main thread. */
export function writerId(thread: number): number {
  return thread + 1
}

/** To be called when a thread has ended: it may have ended during a write. */
export function releaseTurn({ turn }: OutputDescriptor, thread: number): void {
  if (turn) Atomics.compareExchange(new Int32Array(turn), 0, writerId(thread), 0)
}
