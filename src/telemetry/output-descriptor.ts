/** Our own stdout and stderr, in a way that whoever reads them, or does not, holds up no thread of ours. */
import { constants, fstatSync, openSync } from 'node:fs'
import { descriptorFlags } from '../shared/system/descriptors.ts'

/** Can be handed to other threads. */
export interface OutputDescriptor {
  readonly fd: number
  /**
   * Present if a write may wait, for a disk or for a terminal that cannot be asked not to: it is then made by one of Node's
   * four threads for such calls, and by one of them only, since look-ups of names and files need the others. An Int32: the
   * `writerId` of the thread whose write is under way, or 0.
   */
  readonly turn?: SharedArrayBuffer
}

/**
 * Main thread only.
 *
 * That writes do not wait (O_NONBLOCK) is a property of an open file, which we may share with the shell that started us. So a
 * terminal is opened anew, through /proc. Pipes and sockets are made non-blocking as they are, by Node, which puts that back at its end.
 */
export function openOutput(fd: 1 | 2): OutputDescriptor {
  const facts = fstatSync(fd)
  if (facts.isFIFO() || facts.isSocket()) {
    // Asked for once on the main thread, it is non-blocking for all threads.
    void (fd === 1 ? process.stdout : process.stderr)
    if (neverWaits(fd)) return { fd }
  }
  return (facts.isCharacterDevice() && openedAnew(fd)) || { fd, turn: new SharedArrayBuffer(4) }
}

/** Node asks it of pipes and stream sockets alone: a socket for datagrams (unix(7)) would wait for room in its reader's queue. */
function neverWaits(fd: number): boolean {
  const flags = descriptorFlags(fd)
  // No /proc: what Node has asked for must do.
  return flags === undefined || (flags & constants.O_NONBLOCK) !== 0
}

/** Undefined where it cannot be: there is no /proc, or the terminal belongs to another user. */
function openedAnew(fd: number): OutputDescriptor | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    return { fd: openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY) }
  } catch {
    return undefined
  }
}

/** Of a thread, by its `threadId`. */
export function writerId(thread: number): number {
  return thread + 1
}

/** To be called when a thread is over, which may have been in the midst of a write. */
export function giveUpTurn({ turn }: OutputDescriptor, thread: number): void {
  if (turn) Atomics.compareExchange(new Int32Array(turn), 0, writerId(thread), 0)
}
