/** The backups of all tasks: watches their age and size, warns, and begins and finishes one with each run. */

import { rm } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { BackupPlan } from '../../plan/model/backups.ts'
import type { ProcessPlan } from '../../plan/model/plan.ts'
import { formatBytes } from '../../shared/bytes.ts'
import { codeOf } from '../../shared/errors.ts'
import { createDiskLane } from '../../shared/files/disk-lane.ts'
import { inFolder } from '../../shared/files/safe-folder.ts'
import type { Log } from '../../shared/log.ts'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { setInterval } from '../../shared/time/timer.ts'
import type { EventFeed } from '../events/event-feed.ts'
import type { SupervisedProcess } from '../process/process.ts'
import { type Attempt, beginAttempt, type Owner } from './attempt.ts'
import { type BackupState, backupStateOf, hasShrunk, isDueAtStart } from './backup-state.ts'
import { type FolderContents, readBackups } from './folder.ts'

const readEvery: Milliseconds = 60_000

export interface BackupsOptions {
  readonly feed: EventFeed
  readonly log: Log
  /** Called at the start if a backup is overdue, or there is none: runs the task now. */
  runNow(process: SupervisedProcess): void
}

interface Entry {
  readonly process: SupervisedProcess
  readonly plan: BackupPlan
  /** When we began to watch it; Unix time in milliseconds. */
  readonly since: number
  /** Undefined before its folder was read for the first time. */
  seen?: FolderContents
  /** It has been reported as overdue. */
  reportedOverdue: boolean
  /** Its folder is being read, which a slow disk may make long. */
  reading: boolean
}

export class Backups {
  readonly #options: BackupsOptions
  readonly #lane = createDiskLane()
  /** By the names of tasks. */
  readonly #entries = new Map<string, Entry>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: BackupsOptions) {
    this.#options = options
  }

  /** Watches the backups of these processes, and of no others. */
  keep(processes: Iterable<SupervisedProcess>): void {
    const kept = new Map([...processes].map((process) => [process.plan.name, process]))
    for (const [name, { process, plan }] of this.#entries) {
      const stays = kept.get(name) === process && isDeepStrictEqual(process.plan.backup, plan)
      if (!stays) this.#entries.delete(name)
    }
    for (const [name, process] of kept) {
      const { backup } = process.plan
      if (!backup || this.#entries.has(name)) continue
      const entry = { process, plan: backup, since: Date.now(), reportedOverdue: false, reading: false }
      this.#entries.set(name, entry)
      void this.#read(entry).then(() => {
        this.#runIfDue(entry)
        this.#reportAge(entry)
      })
    }
    this.#timer ??= setInterval(() => {
      for (const entry of this.#entries.values()) {
        if (entry.reading) this.#reportAge(entry)
        else void this.#read(entry).then(() => this.#reportAge(entry))
      }
    }, readEvery).unref()
  }

  close(): void {
    this.#entries.clear()
    clearInterval(this.#timer)
  }

  /** Undefined if the task makes none, or its folder has not been read yet. */
  stateOf({ plan: { name } }: SupervisedProcess): BackupState | undefined {
    const entry = this.#entries.get(name)
    return entry?.seen && backupStateOf(entry.plan, entry.seen, { now: Date.now(), since: entry.since })
  }

  /** Begins the backup of one run. Rejects with Node's error if the folder cannot be written to. */
  async begin({ name }: ProcessPlan, plan: BackupPlan, owner?: Owner): Promise<Attempt> {
    const attempt = await this.#lane(() => beginAttempt(plan, owner))
    const after = () => this.#readAgain(name, plan)
    return {
      ...attempt,
      keep: async () => {
        const problem = await this.#lane(attempt.keep)
        await (problem === undefined ? this.#keepNewest(name, plan) : after())
        return problem
      },
      discard: () => this.#lane(attempt.discard).then(after),
    }
  }

  /**
   * After a success, deletes the oldest ones. If the new one has shrunk, data may just have been lost: all older ones
   * are kept.
   */
  async #keepNewest(name: string, plan: BackupPlan): Promise<void> {
    const { files } = await this.#lane(() => readBackups(plan))
    const { log } = this.#options
    const kept = hasShrunk(files) ? files.length : (plan.keep ?? files.length)
    for (const { name: old } of files.slice(kept)) {
      const deleted = () => inFolder(plan.folder, { untrusted: true }, (folder) => rm(folder.at(old), { force: true }))
      await this.#lane(deleted).catch((error) =>
        log.warn(`cannot delete an old backup (${codeOf(error)})`, { process: name }),
      )
    }
    await this.#readAgain(name, plan)
  }

  async #readAgain(name: string, plan: BackupPlan): Promise<void> {
    const entry = this.#entries.get(name)
    if (entry?.plan === plan) await this.#read(entry)
  }

  async #read(entry: Entry): Promise<void> {
    entry.reading = true
    const seen = await this.#lane(() => readBackups(entry.plan))
    entry.reading = false
    // Taken only now: another read may have seen and reported the new one meanwhile.
    const before = entry.seen
    entry.seen = seen
    const [newest, known] = [entry.seen.files[0], before?.files[0]]
    if (before && newest && newest.at !== known?.at) this.#reportShrunk(entry)
  }

  #reportShrunk({ process }: Entry): void {
    const { shrunk, newest } = this.stateOf(process) ?? {}
    if (!shrunk || newest?.before === undefined) return
    const message = `made a backup of only ${formatBytes(newest.size)}; the previous one holds ${formatBytes(newest.before)}`
    this.#warn('backup-shrunk', process, message)
  }

  #reportAge(entry: Entry): void {
    const { process, reportedOverdue } = entry
    if (this.#entries.get(process.plan.name) !== entry) return
    const { overdue = false, newest, allowed = 0 } = this.stateOf(process) ?? {}
    // No warning while a backup is being made or about to be.
    if (overdue === reportedOverdue || (overdue && !process.atRest)) return
    entry.reportedOverdue = overdue
    if (!overdue) return
    const age = newest ? `the last one was made ${formatDuration(Date.now() - newest.at)} ago` : 'there is none'
    this.#warn('backup-overdue', process, `has an overdue backup: ${age}, the limit is ${formatDuration(allowed)}`)
  }

  #runIfDue(entry: Entry): void {
    const { runNow, log } = this.#options
    const { process } = entry
    const { schedule, name } = process.plan
    // Meanwhile another plan may be in force, or everything may be stopped.
    const state = this.#entries.get(name) === entry ? this.stateOf(process) : undefined
    if (!schedule || !process.atRest || !state || !isDueAtStart(state, Date.now())) return
    const { newest } = state
    const why = newest ? `the last one is ${formatDuration(Date.now() - newest.at)} old` : 'there is none yet'
    log.info(`making a backup as soon as possible: ${why}`, { process: name })
    runNow(process)
  }

  #warn(type: 'backup-overdue' | 'backup-shrunk', { plan: { name } }: SupervisedProcess, message: string): void {
    const { feed, log } = this.#options
    log.warn(message, { process: name })
    feed.emit({ type, process: name, message })
  }
}
