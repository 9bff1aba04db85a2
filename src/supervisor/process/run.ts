/** One run of a program: from its spawn to the last byte that it wrote. */

import type { Readable } from 'node:stream'
import type { Bytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import type { Attempt } from '../backups/attempt.ts'
import { LastLines, splitLines } from '../output/lines.ts'
import type { OutputListener } from '../output/output-sink.ts'
import { joinRecords } from '../output/records.ts'
import type { Exit } from '../spawn/exit.ts'
import type { Child } from '../spawn/spawn.ts'
import { ReadyTime } from './ready-time.ts'
import type { Ending, RunFault } from './restart.ts'

/** A process that left the group may keep our pipe open: after this time we close our end. */
const lastOutputWait: Milliseconds = 250

/**
 * The most that one read(2) of a pipe returns. After a full read the rest waits for the next turn of the event loop:
 * libuv would read 32 times as much in one, tens of thousands of lines, and delay disks, probes and the output of other
 * programs.
 */
const fullRead: Bytes = 64 * 1024

/** How long to wait for the removal of what a failed run wrote; if the disk is slower, the next run removes it. */
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
  readonly #backupTimedOut = Promise.withResolvers<undefined>()
  /** Why it counts as failed whatever its exit code; see RunFault. */
  fault: RunFault | undefined
  /** Set if the kernel killed it for memory. */
  outOfMemory = false
  readonly ready = new ReadyTime(this.#spawned)

  constructor(child: Child, listening: OutputListener, backup?: Attempt) {
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

  /** For the restart policy. A leader that is stuck in the kernel has not exited yet; SIGKILL will be what ends it. */
  get ending(): Ending {
    if (this.fault) return this.fault
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
   * To be called when its group is gone. `exitedWell`: it exited with 0 by itself; otherwise there is no backup.
   * `leftOthers`: we had to stop other processes in its group, one of which may have been the writer: `tee >(gzip
   * >"$1")` leaves it behind.
   */
  async concludeBackup(exitedWell: boolean, leftOthers: boolean): Promise<void> {
    if (!this.#backup) return
    if (exitedWell && leftOthers) this.fault ??= { kind: 'no-backup', problem: leftWriters }
    const kept = exitedWell && !this.fault
    if (!kept) this.limitBackup(longestDiscard)
    const problem = await Promise.race([
      kept ? this.#backup.keep() : this.#backup.discard(),
      this.#backupTimedOut.promise,
    ])
    if (problem !== undefined) this.fault = { kind: 'no-backup', problem }
  }

  /** Waits at most this long for the backup: the disk may hang. */
  limitBackup(time: Milliseconds): void {
    setTimeout(() => this.#backupTimedOut.resolve(undefined), time).unref()
  }

  /** To be called when its group is gone: resolves when all that it wrote has been read. */
  async outputRead(): Promise<void> {
    const { stdout, stderr, notifications } = this.child
    for (const notification of notifications.values()) notification.destroy()
    const late = setTimeout(() => {
      stdout?.destroy()
      stderr?.destroy()
    }, lastOutputWait)
    await Promise.all(this.#read)
    clearTimeout(late)
  }
}

/** Resolves after the last line. */
function readLines(stream: Readable, line: (text: string) => void): Promise<void> {
  const lines = splitLines(line)
  stream.on('data', (chunk: Buffer) => {
    lines.write(chunk)
    if (chunk.length < fullRead) return
    stream.pause()
    setImmediate(() => stream.resume())
  })
  // A broken pipe needs no reaction: the exit of the child decides what follows.
  stream.on('error', () => {})
  return new Promise((resolve) => {
    stream.once('close', () => {
      lines.end()
      resolve()
    })
  })
}
