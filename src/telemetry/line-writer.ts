import { writeSync } from 'node:fs'
import type { Bytes } from '../shared/bytes.ts'
import type { Milliseconds } from '../shared/duration.ts'
import { LineQueue, type Share } from './line-queue.ts'

/** Lines to a file descriptor. Neither waits for its reader nor throws: a lost log must not end what it tells of. */
export interface LineWriter {
  /** Takes a whole line with its end, on behalf of one of several writers if a `share` is given; it is written in the next turn of the event loop, or as soon as there is room. */
  write(line: string, share?: Share): void
  /** Writes what is still in memory, and waits a second at most for a reader that is slow. */
  flush(): void
}

/** Where a reader leaves more than this unread, lines are dropped rather than memory filled. */
const unreadLimit: Bytes = 16 * 1024 * 1024
/** Of it, one writer of several may have so much: one that floods costs its own lines, and not those of the others. */
const shareLimit: Bytes = 4 * 1024 * 1024
/** And all of them together leave this much to who has no share: to what is said of them. */
const reserve: Bytes = 1024 * 1024
/**
 * PIPE_BUF of Linux. Several threads write to the same pipe, and only writes of so many bytes are never torn apart
 * (POSIX, write: they succeed as a whole or with EAGAIN). Longer lines may be, if the pipe is full in that moment.
 */
const wholeWrite: Bytes = 4_096
const retryAfter: Milliseconds = 50
const flushPatience: Milliseconds = 1_000

/**
 * The descriptor must be in non-blocking mode if its reader may stall. `missed` hears how many lines were dropped, once
 * there is a reader again.
 */
export function createLineWriter(fd: number, missed: (lines: number) => void): LineWriter {
  const lines = new LineQueue()
  let unread: Bytes = 0
  /** What is left of a write that did not fit. */
  let rest: Buffer = Buffer.alloc(0)
  let dropped = 0
  let scheduled = false
  let gone = false

  /** True: everything was written. False: the reader is slow, or the disk full. */
  function drain(): boolean {
    while (!gone && (rest.length > 0 || !lines.empty)) {
      if (rest.length === 0) rest = Buffer.from(lines.take(wholeWrite))
      const written = attempt()
      rest = rest.subarray(written)
      unread -= written
      if (rest.length > 0) return false
    }
    return true
  }

  function attempt(): Bytes {
    try {
      return writeSync(fd, rest)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // A closed pipe or a terminal that hung up stays so. Everything else (EAGAIN, ENOSPC) may pass.
      if (code === 'EPIPE' || code === 'EIO' || code === 'EBADF') gone = true
      return 0
    }
  }

  function work(): void {
    scheduled = false
    if (!drain()) {
      schedule(() => setTimeout(work, retryAfter).unref())
    } else if (dropped > 0 && !gone) {
      const count = dropped
      dropped = 0
      missed(count)
    }
  }

  function schedule(start: () => void): void {
    if (scheduled) return
    scheduled = true
    start()
  }

  return {
    write(line, share) {
      if (gone) return
      const length = Buffer.byteLength(line)
      const room = share ? Math.min(shareLimit - share.waiting, unreadLimit - reserve - unread) : unreadLimit - unread
      if (length > room) {
        dropped += 1
        return
      }
      lines.push(line, share)
      unread += length
      schedule(() => setImmediate(work))
    },
    flush() {
      const deadline = performance.now() + flushPatience
      while (!drain() && performance.now() < deadline) sleep(10)
    },
  }
}

function sleep(span: Milliseconds): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, span)
}
