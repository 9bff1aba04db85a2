/** One log file: takes lines at once and writes them asynchronously. */

import { constants } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Bytes } from '../../shared/bytes.ts'
import { messageOf } from '../../shared/errors.ts'
import type { DiskLane } from '../../shared/files/disk-lane.ts'
import { openFile } from '../../shared/files/safe-file.ts'
import { openFolder, type SafeFolder } from '../../shared/files/safe-folder.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import { fileMode, rotate } from './archives.ts'
import { LineQueue } from './line-queue.ts'

/** Buffer for a disk that is slow or full; lines beyond it are dropped. */
const waitingLimit: Bytes = 1024 * 1024
/** Memory that a short line needs besides its own bytes. */
const lineOverhead: Bytes = 32
/** The largest write. */
const batch: Bytes = 128 * 1024
/** Lines are gathered for this long, so that the file is opened and closed a few times a second at most. */
const gathering: Milliseconds = 50
const retryAfter: Milliseconds = 1_000
/** If lines are dropped during a call to the disk that takes longer than this, the disk is reported as slow. */
const slowCall: Milliseconds = 1_000
const slowness = 'the disk is slower than the program that writes'
/** A program that floods is reported now and then, not at each burst. */
const betweenReports: Milliseconds = 10_000

/** The settings and callbacks of a log file. */
export interface LogFileSurroundings {
  readonly disk: DiskLane
  /** The size at which it is rotated, and the number of archives to keep. */
  readonly size: Bytes
  readonly keep: number
  /** It cannot be written at the moment; called once until `over`. */
  problem(file: LogFile, why: string): void
  /** It is written again, with all buffered lines. `lost`: lines that were dropped meanwhile. */
  over(file: LogFile, lost: number): void
  /** Lines were dropped although the file can be written; called now and then. */
  lost(file: LogFile, lines: number): void
  /** There may be archives to compress: those of an earlier run after the first write, a new one after a rotation. */
  archives(file: LogFile): void
}

export class LogFile {
  readonly path: string
  readonly #surroundings: LogFileSurroundings
  readonly #queue = new LineQueue()
  #waiting: Bytes = 0
  /** Taken from the queue and not written yet; `#torn` once a part of it is written. */
  #rest: Buffer = Buffer.alloc(0)
  #torn = false
  /** Dropped lines: since the last line that was accepted, and since the problem began. */
  #gap = 0
  #lost = 0
  #problem: string | undefined
  #slow: NodeJS.Timeout | undefined
  #report: NodeJS.Timeout | undefined
  #reported = Number.NEGATIVE_INFINITY
  /** Nothing of this run has been written yet. */
  #untouched = true
  #gathering: NodeJS.Timeout | undefined
  #work: Promise<void> | undefined
  #endPause: () => void = () => {}
  #abandoned = false

  constructor(path: string, surroundings: LogFileSurroundings) {
    this.path = path
    this.#surroundings = surroundings
  }

  /** Why it cannot be written; undefined while all is well. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** `line` has its line feed. Neither waits nor throws. */
  write(line: string): void {
    const cost = Buffer.byteLength(line) + lineOverhead
    // Once full it has to become half empty first, which makes gaps few and large.
    if (this.#waiting + cost > (this.#gap > 0 ? waitingLimit / 2 : waitingLimit)) {
      this.#drop()
      return
    }
    this.#markGap()
    this.#push(line)
    if (this.#work) return
    if (this.#waiting >= batch) this.#start()
    else this.#gathering ??= setTimeout(() => this.#start(), gathering).unref()
  }

  /** Resolves when everything is written: on a full disk that may be never. */
  async finish(): Promise<void> {
    this.#endPause()
    this.#start()
    await this.#work
    this.#reportLoss()
  }

  /** Drops everything that is not written yet. */
  abandon(): void {
    this.#abandoned = true
    this.#endPause()
  }

  #push(line: string): void {
    this.#queue.push(line)
    this.#waiting += Buffer.byteLength(line) + lineOverhead
  }

  /** A full disk returns an error, perhaps a moment later: so slowness is reported only if a call does not return. */
  #drop(): void {
    this.#gap += 1
    this.#lost += 1
    this.#slow ??= setTimeout(() => this.#reportTrouble(slowness), slowCall).unref()
  }

  /**
   * Writes a mark where lines were dropped: before the next line, or when the queue is empty. False if there is no gap.
   */
  #markGap(): boolean {
    if (this.#gap === 0 || this.#abandoned) return false
    this.#push(`[gatehouse: ${this.#gap} lines are missing here]\n`)
    this.#gap = 0
    return true
  }

  #reportLoss(): void {
    clearTimeout(this.#report)
    this.#report = undefined
    if (this.#lost === 0 || this.#problem !== undefined) return
    this.#reported = performance.now()
    this.#surroundings.lost(this, this.#lost)
    this.#lost = 0
  }

  #reportTrouble(why: string): void {
    this.#diskReturned()
    if (this.#problem !== undefined && (this.#problem !== slowness || why === slowness)) return
    this.#problem = why
    this.#surroundings.problem(this, why)
  }

  #start(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    if (!this.#work && this.#unwritten) this.#work = this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    while (this.#unwritten || this.#markGap()) {
      try {
        await this.#writeOn()
        this.#diskReturned()
      } catch (error) {
        this.#reportTrouble(messageOf(error))
        await this.#pause()
      }
    }
    this.#work = undefined
    if (this.#abandoned) return
    if (this.#problem === undefined) {
      const due = Math.max(0, this.#reported + betweenReports - performance.now())
      if (this.#lost > 0) this.#report ??= setTimeout(() => this.#reportLoss(), due).unref()
      return
    }
    const lost = this.#lost
    this.#problem = undefined
    this.#lost = 0
    this.#surroundings.over(this, lost)
  }

  /** A call to the disk has returned. */
  #diskReturned(): void {
    clearTimeout(this.#slow)
    this.#slow = undefined
  }

  get #unwritten(): boolean {
    return !this.#abandoned && (this.#rest.length > 0 || !this.#queue.empty)
  }

  /**
   * Writes until the queue is empty or the file is full. It opens the file by its name each time, so that other
   * programs (logrotate) can move or truncate it, or remove its folder, without a signal.
   */
  async #writeOn(): Promise<void> {
    const { disk } = this.#surroundings
    const folder = await disk(() => openFolder(dirname(this.path), { make: folderMode }))
    try {
      await this.#writeIn(folder)
    } catch (error) {
      throw folder.named(error)
    } finally {
      folder.close()
    }
  }

  async #writeIn(folder: SafeFolder): Promise<void> {
    const { disk, size: limit, keep } = this.#surroundings
    const name = basename(this.path)
    const file = await disk(() => openFile(folder, name, appending, fileMode))
    let full = false
    try {
      const facts = await disk(() => file.stat())
      let room = facts.isFile() ? limit - facts.size : Number.POSITIVE_INFINITY
      while (this.#unwritten) {
        this.#take(Math.min(batch, room))
        // A line that is longer than `size` gets a file of its own.
        full = this.#rest.length > room && room < limit && !this.#torn
        if (full) break
        const { bytesWritten } = await disk(() => file.write(this.#rest))
        this.#rest = this.#rest.subarray(bytesWritten)
        this.#torn = this.#rest.length > 0
        room -= bytesWritten
      }
    } finally {
      await disk(() => file.close())
    }
    if (full) await disk(() => rotate(folder, name, keep))
    if (full || this.#untouched) this.#surroundings.archives(this)
    this.#untouched = false
  }

  #take(most: Bytes): void {
    if (this.#rest.length > 0) return
    const lines = this.#queue.take(most)
    this.#rest = Buffer.from(lines)
    this.#torn = false
    this.#waiting -= this.#rest.length + lineOverhead * countLines(lines)
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, retryAfter).unref()
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** A line of the queue has a single line feed, at its end. */
function countLines(lines: string): number {
  return lines.split('\n').length - 1
}

/** If it is a named pipe without a reader, opening it does not wait (see openFile). */
const appending = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT
const folderMode = 0o750
