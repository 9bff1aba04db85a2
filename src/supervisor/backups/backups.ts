/** The backups of all tasks: looked at again and again, judged, told of, and begun and ended with each run. */

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
import { type BackupStanding, hasShrunk, isToBeMadeUp, standingOf } from './backup-state.ts'
import { lookInto, type Seen } from './folder.ts'

const betweenLooks: Milliseconds = 60_000

export interface BackupsOptions {
  readonly feed: EventFeed
  readonly log: Log
  /** The schedule was missed, or there is no backup at all: one is to be made as soon as it can. */
  makeUp(process: SupervisedProcess): void
}

interface Entry {
  readonly process: SupervisedProcess
  readonly plan: BackupPlan
  /** From when on it was looked after; Unix time in milliseconds. */
  readonly since: number
  /** Undefined before the first look. */
  seen?: Seen
  /** That it is overdue has been told. */
  told: boolean
  /** A look is under way, and may be for long. */
  looking: boolean
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

  /** Looks after those of these processes, and of no others. */
  keep(processes: Iterable<SupervisedProcess>): void {
    const kept = new Map([...processes].map((process) => [process.plan.name, process]))
    for (const [name, { process, plan }] of this.#entries) {
      const stays = kept.get(name) === process && isDeepStrictEqual(process.plan.backup, plan)
      if (!stays) this.#entries.delete(name)
    }
    for (const [name, process] of kept) {
      const { backup } = process.plan
      if (!backup || this.#entries.has(name)) continue
      const entry = { process, plan: backup, since: Date.now(), told: false, looking: false }
      this.#entries.set(name, entry)
      void this.#look(entry).then(() => {
        this.#makeUp(entry)
        this.#tellOfAge(entry)
      })
    }
    this.#timer ??= setInterval(() => {
      for (const entry of this.#entries.values()) {
        if (entry.looking) this.#tellOfAge(entry)
        else void this.#look(entry).then(() => this.#tellOfAge(entry))
      }
    }, betweenLooks).unref()
  }

  close(): void {
    this.#entries.clear()
    clearInterval(this.#timer)
  }

  /** Undefined if it makes none, or has not been looked at yet. */
  standing({ plan: { name } }: SupervisedProcess): BackupStanding | undefined {
    const entry = this.#entries.get(name)
    return entry?.seen && standingOf(entry.plan, entry.seen, { now: Date.now(), since: entry.since })
  }

  /** For one run. Rejects with Node's error if nothing can be written there. */
  async begin({ name }: ProcessPlan, plan: BackupPlan, owner?: Owner): Promise<Attempt> {
    const attempt = await this.#lane(() => beginAttempt(plan, owner))
    const after = () => this.#lookAfter(name, plan)
    return {
      ...attempt,
      keep: async () => {
        const complaint = await this.#lane(attempt.keep)
        await (complaint === undefined ? this.#lookAtNew(name, plan) : after())
        return complaint
      },
      discard: () => this.#lane(attempt.discard).then(after),
    }
  }

  /** After a success older ones are deleted; but not for one that may be of what has just been lost. */
  async #lookAtNew(name: string, plan: BackupPlan): Promise<void> {
    const { files } = await this.#lane(() => lookInto(plan))
    const { log } = this.#options
    const kept = hasShrunk(files) ? files.length : (plan.keep ?? files.length)
    for (const { name: old } of files.slice(kept)) {
      const deleted = () => inFolder(plan.folder, { anybodys: true }, (folder) => rm(folder.at(old), { force: true }))
      await this.#lane(deleted).catch((error) =>
        log.warn(`cannot delete an old backup (${codeOf(error)})`, { process: name }),
      )
    }
    await this.#lookAfter(name, plan)
  }

  async #lookAfter(name: string, plan: BackupPlan): Promise<void> {
    const entry = this.#entries.get(name)
    if (entry?.plan === plan) await this.#look(entry)
  }

  async #look(entry: Entry): Promise<void> {
    entry.looking = true
    const seen = await this.#lane(() => lookInto(entry.plan))
    entry.looking = false
    // Not read before: a look that was under way may have told of the new one already.
    const before = entry.seen
    entry.seen = seen
    const [newest, known] = [entry.seen.files[0], before?.files[0]]
    if (before && newest && newest.at !== known?.at) this.#tellOfNew(entry)
  }

  #tellOfNew({ process }: Entry): void {
    const { shrunk, newest } = this.standing(process) ?? {}
    if (!shrunk || newest?.before === undefined) return
    const message = `made a backup of only ${formatBytes(newest.size)}; the previous one holds ${formatBytes(newest.before)}`
    this.#warn('backup-shrunk', process, message)
  }

  #tellOfAge(entry: Entry): void {
    const { process, told } = entry
    if (this.#entries.get(process.plan.name) !== entry) return
    const { overdue = false, newest, allowed = 0 } = this.standing(process) ?? {}
    // What is about to make one up, or makes one, is not complained of.
    if (overdue === told || (overdue && !process.atRest)) return
    entry.told = overdue
    if (!overdue) return
    const age = newest ? `the last one was made ${formatDuration(Date.now() - newest.at)} ago` : 'there is none'
    this.#warn('backup-overdue', process, `has an overdue backup: ${age}, the limit is ${formatDuration(allowed)}`)
  }

  #makeUp(entry: Entry): void {
    const { makeUp, log } = this.#options
    const { process } = entry
    const { schedule, name } = process.plan
    // The first look took its time: another file may be in force, or everything be stopped.
    const standing = this.#entries.get(name) === entry ? this.standing(process) : undefined
    if (!schedule || !process.atRest || !standing || !isToBeMadeUp(standing, Date.now())) return
    const { newest } = standing
    const why = newest ? `the last one is ${formatDuration(Date.now() - newest.at)} old` : 'there is none yet'
    log.info(`making a backup as soon as possible: ${why}`, { process: name })
    makeUp(process)
  }

  #warn(type: 'backup-overdue' | 'backup-shrunk', { plan: { name } }: SupervisedProcess, message: string): void {
    const { feed, log } = this.#options
    log.warn(message, { process: name })
    feed.emit({ type, process: name, message })
  }
}
