/** One log file: takes lines at once and writes them when it can. */

import { constants } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Bytes } from '../../shared/bytes.ts'
import { messageOf } from '../../shared/errors.ts'
import type { DiskLane } from '../../shared/files/disk-lane.ts'
import { openFile } from '../../shared/files/safe-file.ts'
import { openFolder, type SafeFolder } from '../../shared/files/safe-folder.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import { LineQueue } from '../line-queue.ts'
import { fileMode, rotate } from './archives.ts'

/** Lines wait here for a disk that is slow or full; beyond it they are lost. */
const waitingLimit: Bytes = 1024 * 1024
/** What a short line costs in memory beside its own bytes. */
const lineOverhead: Bytes = 32
/** Most that one write carries. */
const batch: Bytes = 128 * 1024
/** Lines are gathered for so long: a file is opened and closed a few times a second at most, however many come. */
const gathering: Milliseconds = 50
const retryAfter: Milliseconds = 1_000
/** A call to the disk that takes longer than this while lines are lost is said to be why. */
const slowCall: Milliseconds = 1_000
const slowness = 'the disk is slower than the program that writes'
/** A program that floods is told of now and then, and not with each of its bursts. */
const betweenReports: Milliseconds = 10_000

/** What its owner decides and hears. */
export interface LogFileSurroundings {
  readonly disk: DiskLane
  /** Where the file ends and how many archives are kept of it. */
  readonly size: Bytes
  readonly keep: number
  /** It cannot be written at the moment; told once, until `over`. */
  trouble(file: LogFile, why: string): void
  /** All that waited is written. `lost`: lines that found no room meanwhile. */
  over(file: LogFile, lost: number): void
  /** Lines found no room although the file can be written; told now and then. */
  lost(file: LogFile, lines: number): void
  /** There may be archives to compress: of an earlier run, after the first write; one more, after a rotation. */
  archives(file: LogFile): void
}

export class LogFile {
  readonly path: string
  readonly #surroundings: LogFileSurroundings
  readonly #queue = new LineQueue()
  #waiting: Bytes = 0
  /** What was taken from the queue and is not written yet; `#torn` once a part of it is. */
  #rest: Buffer = Buffer.alloc(0)
  #torn = false
  /** Since the last line that found room, and since the trouble began. */
  #gap = 0
  #lost = 0
  #trouble: string | undefined
  #slow: NodeJS.Timeout | undefined
  #report: NodeJS.Timeout | undefined
  #reported = Number.NEGATIVE_INFINITY
  /** Nothing of this run is in it yet. */
  #untouched = true
  #gathering: NodeJS.Timeout | undefined
  #work: Promise<void> | undefined
  #hurry: () => void = () => {}
  #abandoned = false

  constructor(path: string, surroundings: LogFileSurroundings) {
    this.path = path
    this.#surroundings = surroundings
  }

  /** Why it cannot be written; undefined while all is well. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** `line` has its end. Neither waits nor throws. */
  write(line: string): void {
    const cost = Buffer.byteLength(line) + lineOverhead
    // Once full it has to become half empty first: the gaps are then few and large.
    if (this.#waiting + cost > (this.#gap > 0 ? waitingLimit / 2 : waitingLimit)) {
      this.#lose()
      return
    }
    this.#markGap()
    this.#push(line)
    if (this.#work) return
    if (this.#waiting >= batch) this.#start()
    else this.#gathering ??= setTimeout(() => this.#start(), gathering).unref()
  }

  /** Resolves when nothing is left to write: on a full disk that may be never. */
  async finish(): Promise<void> {
    this.#hurry()
    this.#start()
    await this.#work
    this.#reportLoss()
  }

  /** What is not written by now is not going to be. */
  abandon(): void {
    this.#abandoned = true
    this.#hurry()
  }

  #push(line: string): void {
    this.#queue.push(line)
    this.#waiting += Buffer.byteLength(line) + lineOverhead
  }

  /** A disk that is full says so itself, a moment later perhaps: so slowness is named only where no answer comes. */
  #lose(): void {
    this.#gap += 1
    this.#lost += 1
    this.#slow ??= setTimeout(() => this.#say(slowness), slowCall).unref()
  }

  /** Once, where lines were lost: before the next one, or when all before them is written. False: there is no gap. */
  #markGap(): boolean {
    if (this.#gap === 0 || this.#abandoned) return false
    this.#push(`[gatehouse: ${this.#gap} lines are missing here]\n`)
    this.#gap = 0
    return true
  }

  #reportLoss(): void {
    clearTimeout(this.#report)
    this.#report = undefined
    if (this.#lost === 0 || this.#trouble !== undefined) return
    this.#reported = performance.now()
    this.#surroundings.lost(this, this.#lost)
    this.#lost = 0
  }

  #say(why: string): void {
    this.#calm()
    if (this.#trouble !== undefined && (this.#trouble !== slowness || why === slowness)) return
    this.#trouble = why
    this.#surroundings.trouble(this, why)
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
        this.#calm()
      } catch (error) {
        this.#say(messageOf(error))
        await this.#pause()
      }
    }
    this.#work = undefined
    if (this.#abandoned) return
    if (this.#trouble === undefined) {
      const due = Math.max(0, this.#reported + betweenReports - performance.now())
      if (this.#lost > 0) this.#report ??= setTimeout(() => this.#reportLoss(), due).unref()
      return
    }
    const lost = this.#lost
    this.#trouble = undefined
    this.#lost = 0
    this.#surroundings.over(this, lost)
  }

  /** The disk has answered. */
  #calm(): void {
    clearTimeout(this.#slow)
    this.#slow = undefined
  }

  get #unwritten(): boolean {
    return !this.#abandoned && (this.#rest.length > 0 || !this.#queue.empty)
  }

  /**
   * Writes until all is written or the file is full. It is opened by its name each time and closed again: whoever moves it
   * away, removes its folder or truncates it (logrotate does all of these) need not tell us.
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
        // A line that is longer than a whole file may be gets one to itself.
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
      this.#hurry = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** A line of the queue has no line feed but its end. */
function countLines(lines: string): number {
  return lines.split('\n').length - 1
}

/** A named pipe in its place is not waited for, if it has no reader (see openFile). */
const appending = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT
const folderMode = 0o750
