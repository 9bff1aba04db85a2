/**
 * Records the running process groups, with the guardian and on disk beside the control socket, whose owner alone may
 * use the file.
 */
import { randomUUID } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { ProcessPlan } from '../../plan/model/plan.ts'
import { messageOf } from '../../shared/errors.ts'
import { inFolderSync } from '../../shared/files/safe-folder.ts'
import type { Log } from '../../shared/log.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { isOver, type KernelProcess, processTable } from '../group/process-table.ts'
import { type EndingLeftovers, endLeftovers } from './end.ts'
import { Guardian } from './guardian.ts'
import { recognize, runVariable } from './recognize.ts'
import { type GroupRecord, place, readRecord, writtenRecord } from './record.ts'

/** How long SIGKILL may take. */
const killTime: Milliseconds = 1_000

export class GroupLedger {
  readonly #path: string
  readonly #log: Log
  readonly #run = randomUUID()
  readonly #guardian: Guardian
  #groups: readonly GroupRecord[] = []
  #ending: EndingLeftovers | undefined
  #looked = false
  #warnedUnwritable = false

  /** Nothing is read or written yet. `socket`: the path of the control socket. */
  constructor(socket: string, log: Log) {
    this.#path = `${socket}.groups`
    this.#log = log
    this.#guardian = new Guardian(this.#run, log)
  }

  /** The variable with the id of this run, for the environment of each recorded program. */
  get mark(): Readonly<Record<string, string>> {
    return { [runVariable]: this.#run }
  }

  /**
   * Stops the groups that a killed Gatehouse left, and resolves when they are gone; undefined if there are none. To be
   * called once, after the control socket was taken and before anything is spawned. They stay recorded meanwhile. Never
   * rejects.
   */
  endLeftovers(): Promise<void> | undefined {
    this.#looked = true
    const reading = readRecord(this.#path)
    if ('refused' in reading) {
      this.#log.warn(
        `ignoring ${this.#path}: ${reading.refused}; if a Gatehouse was killed here, stop by hand what it left running`,
      )
      return undefined
    }
    const { ours, doubtful } = recognize(reading.groups)
    for (const { process, pid } of doubtful) {
      this.#log.warn(
        `process group ${pid} may be left over from a killed run, but nothing proves it; leaving it alone`,
        { process },
      )
    }
    this.#groups = ours
    if (ours.length === 0) return undefined
    const ending = endLeftovers(ours, this.#log)
    this.#ending = ending
    return ending.gone.then(() => {
      this.#ending = undefined
    })
  }

  /** Whether leftovers are still being stopped. */
  get endsLeftovers(): boolean {
    return this.#ending !== undefined
  }

  /** Shortens the grace periods of leftovers so that they are gone within this time; resolves when they are. */
  async shortenGraces(budget: Milliseconds): Promise<void> {
    this.#ending?.shorten(Math.max(0, budget - killTime))
    await this.#ending?.gone
  }

  /**
   * To be called in the same turn as the spawn, since only recorded groups are found again. For that reason the file is
   * written synchronously; it is not synced to disk, since the page cache outlives us, and no group outlives the
   * machine.
   */
  began({ name, stop }: ProcessPlan, pid: number): void {
    const table = processTable()
    const leader = table.find((one) => one.pid === pid)
    if (!leader) return // there is no /proc
    const { signal, grace } = stop
    const earlier = running(this.#groups, table).filter((one) => one.pid !== pid)
    this.#groups = [...earlier, { process: name, pid, started: leader.started, run: this.#run, signal, grace }]
    this.#guardian.watch(this.#groups)
    this.#write()
  }

  /** The plan of a recorded group has changed, and perhaps its stop signal and grace period. */
  changed({ stop: { signal, grace } }: ProcessPlan, pid: number): void {
    const known = this.#groups.find((one) => one.pid === pid)
    if (!known || (known.signal === signal && known.grace === grace)) return
    this.#groups = this.#groups.map((one) => (one === known ? { ...one, signal, grace } : one))
    this.#guardian.watch(this.#groups)
    this.#write()
  }

  /** At the end of a run: removes the file unless a group is stuck. */
  close(): void {
    this.#guardian.close()
    if (!this.#looked) return // another run's groups may be in it
    this.#groups = running(this.#groups, processTable())
    if (this.#groups.length > 0) this.#write()
    else rmSync(this.#path, { force: true })
  }

  #write(): void {
    if (place() === undefined) return
    const name = basename(this.#path)
    try {
      inFolderSync(dirname(this.#path), { makeSticky: true }, (folder) => {
        const next = folder.at(`.${name}.next`)
        rmSync(next, { force: true })
        writeFileSync(next, writtenRecord(this.#groups), { mode: 0o600, flag: 'wx' })
        renameSync(next, folder.at(name))
      })
      this.#warnedUnwritable = false
    } catch (error) {
      if (!this.#warnedUnwritable)
        this.#log.warn(
          `cannot record which processes run (${messageOf(error)}); if Gatehouse is killed, its next start cannot find and stop them`,
        )
      this.#warnedUnwritable = true
    }
  }
}

function running(groups: readonly GroupRecord[], table: readonly KernelProcess[]): readonly GroupRecord[] {
  const alive = new Set(table.filter((one) => !isOver(one)).map(({ group }) => group))
  return groups.filter(({ pid }) => alive.has(pid))
}
