import { writeSync, write as writeToDescriptor } from 'node:fs'
import { promisify } from 'node:util'
import { threadId } from 'node:worker_threads'
import type { Bytes } from '../shared/bytes.ts'
import { trackCall } from '../shared/system/pending-calls.ts'
import type { Milliseconds } from '../shared/time/duration.ts'
import { sleep as pause, setTimeout } from '../shared/time/timer.ts'
import { type Encode, fits, LineBatches, type Share } from './line-batches.ts'
import { type OutputDescriptor, writerId } from './output-descriptor.ts'

/** Writes lines to a file descriptor. Neither waits for its reader nor throws: a lost log must not stop the program. */
export interface LineWriter {
  /**
   * Takes a whole line with its line feed, for one of several writers if a `share` is given. It is written in the next
   * turn of the event loop, but many lines are written together, some milliseconds after the previous ones, or as soon
   * as there is room.
   */
  write(line: string, share?: Share): void
  /**
   * The same for a line of at most `most` bytes, which `encode` writes where it is written from; false if it has to be
   * given as a string.
   */
  encode<Value>(value: Value, most: Bytes, encode: Encode<Value>): boolean
  /** Resolves when all is written, or after a second without progress, or after three seconds. */
  flush(): Promise<void>
}

/** If the reader leaves more than this unread, lines are dropped instead of filling the memory. */
const unreadLimit: Bytes = 16 * 1024 * 1024
/** The most that one of several writers may have of it: a flood costs its own lines only. */
const shareLimit: Bytes = 4 * 1024 * 1024
/** All shares together leave this much for lines without a share: those of Gatehouse itself. */
const reserve: Bytes = 1024 * 1024
/**
 * PIPE_BUF of Linux: several threads write to the same pipe, and only writes up to this size are atomic (POSIX, write:
 * they succeed as a whole or with EAGAIN). Longer lines may be torn if the pipe is full.
 */
const atomicWrite: Bytes = 4_096
/** Larger, since writers that take turns cannot interleave. */
const writeInTurn: Bytes = 128 * 1024
/** A reader that is only slightly slower gets the rest soon; one that stalls is tried less and less often. */
const firstRetry: Milliseconds = 1
const lastRetry: Milliseconds = 50
/**
 * A write costs as much as a fifth of a proxied request: a busy gateway has one for many lines. In the thread pool it
 * costs as much as a whole one.
 */
const betweenWrites: Milliseconds = 5
const betweenTurns: Milliseconds = 20
/** How often dropped lines are reported if the reader stays slow. */
const betweenReports: Milliseconds = 10_000
/** For `flush`: without progress, and in total. */
const flushPatience: Milliseconds = 1_000
const flushLimit: Milliseconds = 3_000

const write = promisify(writeToDescriptor)

/** `missed` is called with the number of dropped lines once the reader reads again. */
export function createLineWriter({ fd, turn }: OutputDescriptor, missed: (lines: number) => void): LineWriter {
  const lines = new LineBatches(turn ? writeInTurn : atomicWrite)
  const currentWriter = turn && new Int32Array(turn)
  const interval = turn ? betweenTurns : betweenWrites
  let dropped = 0
  let reported: Milliseconds = 0
  let retryAfter = firstRetry
  let lastWrite: Milliseconds = -interval
  let scheduled = false
  /** An asynchronous write is under way. */
  let writing = false
  let gone = false

  const next = () => (gone ? undefined : lines.first)

  function written(bytes: Bytes): void {
    lines.written(bytes)
    if (bytes > 0) retryAfter = firstRetry
  }

  /** A closed pipe or a terminal that hung up stays so. Other errors (EAGAIN, ENOSPC) are temporary. */
  function failed(error: unknown): void {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EPIPE' || code === 'EIO' || code === 'EBADF') gone = true
  }

  /** Writes until the queue is empty or the reader is slow. */
  function writeNow(): void {
    try {
      for (let batch = next(); batch; batch = next()) {
        const length = batch.end - batch.start
        const bytes = writeSync(fd, batch.buffer, batch.start, length)
        written(bytes)
        if (bytes < length) return
      }
    } catch (error) {
      failed(error)
    }
  }

  /** The same where a write may block: asynchronously, and in one thread at a time. */
  async function writeInTurns(writer: Int32Array): Promise<void> {
    const self = writerId(threadId)
    try {
      for (let batch = next(); batch && Atomics.compareExchange(writer, 0, 0, self) === 0; batch = next()) {
        const { buffer, start, end } = batch
        written((await trackCall(write(fd, buffer, start, end - start))).bytesWritten)
        Atomics.store(writer, 0, 0)
        // The lines that have come meanwhile wait for more, unless they are many.
        if (lines.waiting < writeInTurn) break
      }
    } catch (error) {
      Atomics.store(writer, 0, 0)
      failed(error)
    }
  }

  function work(): void {
    scheduled = false
    lastWrite = performance.now()
    if (!currentWriter) {
      writeNow()
      conclude()
    } else if (!writing) {
      writing = true
      void writeInTurns(currentWriter).then(() => {
        writing = false
        conclude()
      })
    }
  }

  function conclude(): void {
    if (next()) {
      const wait = currentWriter ? Math.max(retryAfter, interval) : retryAfter
      schedule(() => setTimeout(work, wait).unref())
      retryAfter = Math.min(retryAfter * 2, lastRetry)
    }
    if (dropped === 0 || gone || (next() && performance.now() - reported < betweenReports)) return
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

  function startSoon(): void {
    const wait = lastWrite + interval - performance.now()
    if (wait > 0) setTimeout(work, wait)
    else setImmediate(work)
  }

  function drop(): void {
    if (dropped === 0) reported = performance.now()
    dropped += 1
  }

  return {
    write(line, share) {
      if (gone) return
      const { waiting } = lines
      const room = share ? Math.min(shareLimit - share.waiting, unreadLimit - reserve - waiting) : unreadLimit - waiting
      if (!fits(line, room)) {
        drop()
        return
      }
      lines.push(line, share)
      if (!writing) schedule(startSoon)
    },
    encode(value, most, encode) {
      if (gone) return true
      if (most > unreadLimit - lines.waiting) drop()
      else if (!lines.encode(value, most, encode)) return false
      else if (!writing) schedule(startSoon)
      return true
    },
    async flush() {
      const began = performance.now()
      let [before, moved] = [lines.waiting, began]
      while (next() && performance.now() < Math.min(moved + flushPatience, began + flushLimit)) {
        work()
        if (lines.waiting !== before) [before, moved] = [lines.waiting, performance.now()]
        if (next()) await pause(2)
      }
    },
  }
}
