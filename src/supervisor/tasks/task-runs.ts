/** Runs of tasks beyond the one at the start: by their schedule, and on demand. */

import type { Log } from '../../shared/log.ts'
import { formatDuration } from '../../shared/time/duration.ts'
import { Backups } from '../backups/backups.ts'
import type { EventFeed } from '../events/event-feed.ts'
import type { SupervisedProcess } from '../process/process.ts'
import type { ProcessStatus } from '../status.ts'
import { type RunAnswer, refused, startOnDemand, taskObstacle, unknownProcess } from './on-demand.ts'
import { Timetable } from './schedule.ts'

export interface TaskRunsOptions {
  processes(): ReadonlyMap<string, SupervisedProcess>
  /** Names of the dependencies whose condition is not met. */
  unmet(process: SupervisedProcess): readonly string[]
  /** Direct or indirect dependencies that are down for good. */
  blockers(process: SupervisedProcess): readonly string[]
  readonly feed: EventFeed
  readonly log: Log
}

export class TaskRuns {
  readonly #options: TaskRunsOptions
  readonly #timetable = new Timetable((process, due, late) => this.#fallDue(process, due, late))
  readonly backups: Backups
  #open = false

  constructor(options: TaskRunsOptions) {
    this.#options = options
    const { feed, log } = options
    this.backups = new Backups({ feed, log, runNow: (process) => this.#open && process.start() })
  }

  /** To be called when the processes were started, and after each change of the plan. */
  keep(): void {
    this.#open = true
    this.#timetable.keep(this.#options.processes().values())
    this.backups.keep(this.#options.processes().values())
  }

  /** From now on no task is run. */
  close(): void {
    this.#open = false
    this.#timetable.close()
    this.backups.close()
  }

  /** The part of a task's status that its process does not know. */
  factsOf(process: SupervisedProcess): Pick<ProcessStatus, 'nextRun' | 'backup'> {
    const [nextRun, backup] = [this.#timetable.nextRun(process), this.backups.stateOf(process)]
    return { ...(nextRun !== undefined && { nextRun }), ...(backup && { backup }) }
  }

  run(name: string): RunAnswer {
    const { processes } = this.#options
    if (!this.#open) return refused('stopping', 'Gatehouse is starting or stopping; nothing can be run now')
    const process = processes().get(name)
    if (!process) return refused('unknown-process', unknownProcess(name, [...processes().keys()]))
    return startOnDemand(process, this.#options)
  }

  #fallDue(process: SupervisedProcess, due: number, late: boolean): void {
    const { feed, log } = this.#options
    const { name } = process.plan
    const at = new Date(due).toISOString()
    const obstacle = taskObstacle(process, this.#options.unmet(process))
    if (obstacle) {
      const message = `skips its scheduled run: ${obstacle.words}`
      log.warn(message, { process: name, due: at })
      feed.emit({ type: 'schedule-skipped', process: name, message, due, reason: obstacle.words })
      return
    }
    if (late) {
      const ago = formatDuration(Date.now() - due)
      const message = `was due ${ago} ago (the clock was changed, or Gatehouse was suspended); running once now`
      log.warn(message, { process: name, due: at })
      feed.emit({ type: 'schedule-late', process: name, message, due })
    }
    process.start()
  }
}
