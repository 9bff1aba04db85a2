/** One run of a program: from its spawn to the last byte that it wrote. */

import type { Readable } from 'node:stream'
import type { Bytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import type { Attempt } from '../backups/attempt.ts'
import { LastLines, splitLines } from '../output/lines.ts'
import type { Listening } from '../output/output-sink.ts'
import { joinRecords } from '../output/records.ts'
import type { Exit } from '../spawn/exit.ts'
import type { Child } from '../spawn/spawn.ts'
import { ReadyTime } from './ready-time.ts'
import type { Condemned, Ending } from './restart.ts'

/** Who left the group and kept our pipe open is not waited for any longer: the pipe is closed on our side. */
const lastWords: Milliseconds = 250

/**
 * What one read(2) of a pipe gives at most. Who writes more than that has the rest read in the next turn of the event loop: libuv would
 * read 32 times as much in one, tens of thousands of lines, and disks, probes and other programs would wait for each of them.
 */
const wholeRead: Bytes = 64 * 1024

/** What a failed run has written is removed by the next one, if a disk is so slow. */
const longestDiscard: Milliseconds = 2_000

const leftWriters = 'exited with code 0, but left processes behind that may still have been writing its backup'

export class Run {
  readonly child: Child
  /** Unix time in milliseconds. */
  readonly startedAt = Date.now()
  readonly #spawned = performance.now()
  readonly #last = new LastLines()
  readonly #read: readonly Promise<void>[]
  #exit: { readonly how: Exit; readonly at: Milliseconds } | undefined
  readonly #backup: Attempt | undefined
  readonly #hurried = Promise.withResolvers<undefined>()
  /** Why we end it, if a probe or its memory is the reason; or why it is no success although it ended well. */
  condemned: Condemned | undefined
  /** Set if the kernel killed it for memory. */
  outOfMemory = false
  readonly ready = new ReadyTime(this.#spawned)

  constructor(child: Child, listening: Listening, backup?: Attempt) {
    this.child = child
    this.#backup = backup
    this.#read = (['stdout', 'stderr'] as const).map(async (name) => {
      const stream = child[name]
      if (!stream) return
      const joined = () => joinRecords(listening.multiline, (text) => listening.record(name, text))
      let rule = listening.multiline
      let records = joined()
      await readLines(stream, (text) => {
        this.#last.add(text)
        listening.line(name, text)
        if (rule !== listening.multiline) {
          rule = listening.multiline
          records.end()
          records = joined()
        }
        records.line(text)
      })
      records.end()
    })
  }

  /** Calls back when its leader has ended. */
  watchLeader(leaderExited: (exit: Exit) => void): void {
    void this.child.exited.then((how) => {
      this.#exit = { how, at: performance.now() }
      leaderExited(how)
    })
  }

  /** How its leader ended; undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit?.how
  }

  /** What the policy is to judge. A leader that is stuck in the kernel has no exit; SIGKILL is what will have ended it. */
  get ending(): Ending {
    if (this.condemned) return this.condemned
    const { outOfMemory } = this
    return { kind: 'exit', exit: this.exit ?? { code: null, signal: 'SIGKILL' }, outOfMemory }
  }

  /** How long it has been running, or ran. */
  get uptime(): Milliseconds {
    return (this.#exit?.at ?? performance.now()) - this.#spawned
  }

  get lastOutput(): readonly string[] {
    return this.#last.lines
  }

  /**
   * To be called when its group is gone. `exitedWell`: it ended by itself as it should, else what it made is no backup. `leftOthers`:
   * in its group, who were ended by us: a `tee >(gzip >"$1")` leaves the one who writes.
   */
  async concludeBackup(exitedWell: boolean, leftOthers: boolean): Promise<void> {
    if (!this.#backup) return
    if (exitedWell && leftOthers) this.condemned ??= { kind: 'fruitless', complaint: leftWriters }
    const kept = exitedWell && !this.condemned
    if (!kept) this.hurryBackup(longestDiscard)
    const complaint = await Promise.race([kept ? this.#backup.keep() : this.#backup.discard(), this.#hurried.promise])
    if (complaint !== undefined) this.condemned = { kind: 'fruitless', complaint }
  }

  /** So long is waited for a disk that may hang, and no longer. */
  hurryBackup(time: Milliseconds): void {
    setTimeout(() => this.#hurried.resolve(undefined), time).unref()
  }

  /** To be called when its group is gone: resolves when all that it wrote has been read. */
  async outputRead(): Promise<void> {
    const { stdout, stderr, notifications } = this.child
    for (const notification of notifications.values()) notification.destroy()
    const late = setTimeout(() => {
      stdout?.destroy()
      stderr?.destroy()
    }, lastWords)
    await Promise.all(this.#read)
    clearTimeout(late)
  }
}

/** Resolves when the last line has been given. */
function readLines(stream: Readable, line: (text: string) => void): Promise<void> {
  const lines = splitLines(line)
  stream.on('data', (chunk: Buffer) => {
    lines.write(chunk)
    if (chunk.length < wholeRead) return
    stream.pause()
    setImmediate(() => stream.resume())
  })
  // Whatever breaks a pipe, the child's end tells what is to be done.
  stream.on('error', () => {})
  return new Promise((resolve) => {
    stream.once('close', () => {
      lines.end()
      resolve()
    })
  })
}
