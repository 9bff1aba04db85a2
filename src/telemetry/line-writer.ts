import { writeSync, write as writeToDescriptor } from 'node:fs'
import { promisify } from 'node:util'
import { threadId } from 'node:worker_threads'
import type { Bytes } from '../shared/bytes.ts'
import { trackCall } from '../shared/system/pending-calls.ts'
import type { Milliseconds } from '../shared/time/duration.ts'
import { sleep as pause, setTimeout } from '../shared/time/timer.ts'
import { LineQueue, type Share } from './line-queue.ts'
import { type OutputDescriptor, writerId } from './output-descriptor.ts'

/** Lines to a file descriptor. Neither waits for its reader nor throws: a lost log must not end what it tells of. */
export interface LineWriter {
  /** Takes a whole line with its end, on behalf of one of several writers if a `share` is given; it is written in the next turn of the event loop, or as soon as there is room. */
  write(line: string, share?: Share): void
  /** Resolves when all is written. No end is held up for longer than a second by a reader that stalls, and than three by one that is slow. */
  flush(): Promise<void>
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
/** Where writes take turns nothing tears them apart. */
const writeInTurn: Bytes = 128 * 1024
/** A reader that is only a little slower than we are is not made to wait; one that stalls is asked less and less often. */
const firstRetry: Milliseconds = 1
const lastRetry: Milliseconds = 50
/** A reader that is slow for ever is told of what it misses, too. */
const betweenReports: Milliseconds = 10_000
/** At the end: without any progress, and in all. */
const flushPatience: Milliseconds = 1_000
const flushLimit: Milliseconds = 3_000

const write = promisify(writeToDescriptor)

/** `missed` hears how many lines were dropped, once there is a reader again. */
export function createLineWriter({ fd, turn }: OutputDescriptor, missed: (lines: number) => void): LineWriter {
  const lines = new LineQueue()
  const whoseTurn = turn && new Int32Array(turn)
  let unread: Bytes = 0
  /** What is left of a write that did not fit. */
  let rest: Buffer = Buffer.alloc(0)
  let dropped = 0
  let reported: Milliseconds = 0
  let retryAfter = firstRetry
  let scheduled = false
  /** Of the two ways the one that waits is under way. */
  let writing = false
  let gone = false

  const unwritten = () => !gone && (rest.length > 0 || !lines.empty)

  function next(most: Bytes): Buffer {
    if (rest.length === 0) rest = Buffer.from(lines.take(most))
    return rest
  }

  function written(bytes: Bytes): void {
    rest = rest.subarray(bytes)
    unread -= bytes
    if (bytes > 0) retryAfter = firstRetry
  }

  /** A closed pipe or a terminal that hung up stays so. Everything else (EAGAIN, ENOSPC) may pass. */
  function failed(error: unknown): void {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EPIPE' || code === 'EIO' || code === 'EBADF') gone = true
  }

  /** Until all is written or the reader is slow. */
  function writeNow(): void {
    try {
      while (unwritten()) {
        written(writeSync(fd, next(wholeWrite)))
        if (rest.length > 0) return
      }
    } catch (error) {
      failed(error)
    }
  }

  /** The same where a write may wait: not here, and not in another thread at the same time. */
  async function writeWhenFree(whose: Int32Array): Promise<void> {
    const self = writerId(threadId)
    try {
      while (unwritten() && Atomics.compareExchange(whose, 0, 0, self) === 0) {
        written((await trackCall(write(fd, next(writeInTurn)))).bytesWritten)
        Atomics.store(whose, 0, 0)
      }
    } catch (error) {
      Atomics.store(whose, 0, 0)
      failed(error)
    }
  }

  function work(): void {
    scheduled = false
    if (!whoseTurn) {
      writeNow()
      conclude()
    } else if (!writing) {
      writing = true
      void writeWhenFree(whoseTurn).then(() => {
        writing = false
        conclude()
      })
    }
  }

  function conclude(): void {
    if (unwritten()) {
      schedule(() => setTimeout(work, retryAfter).unref())
      retryAfter = Math.min(retryAfter * 2, lastRetry)
    }
    if (dropped === 0 || gone || (unwritten() && performance.now() - reported < betweenReports)) return
    const count = dropped
    dropped = 0
    reported = performance.now()
    missed(count)
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
        if (dropped === 0) reported = performance.now()
        dropped += 1
        return
      }
      lines.push(line, share)
      unread += length
      if (!writing) schedule(() => setImmediate(work))
    },
    async flush() {
      const began = performance.now()
      let [before, moved] = [unread, began]
      while (unwritten() && performance.now() < Math.min(moved + flushPatience, began + flushLimit)) {
        work()
        if (unread !== before) [before, moved] = [unread, performance.now()]
        if (unwritten()) await pause(2)
      }
    },
  }
}
