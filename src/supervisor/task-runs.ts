/** Runs of tasks beyond the one at the start: by their schedule, and on demand. */
import { nearest } from '../config/suggest.ts'
import { formatDuration, type Milliseconds } from '../shared/duration.ts'
import type { Log } from '../shared/log.ts'
import { Backups } from './backups/backups.ts'
import type { EventFeed } from './event-feed.ts'
import type { SupervisedProcess } from './process.ts'
import { Timetable } from './schedule.ts'
import type { ProcessStatus } from './status.ts'

/** What became of the wish to run a task now. */
export type RunAnswer =
  | { readonly started: true; readonly ended: Promise<RunEnd> }
  | { readonly started: false; readonly refusal: Refusal; readonly message: string }

export type Refusal = 'unknown-process' | 'not-a-task' | 'busy' | 'not-met' | 'stopping'

/** How a run ended, retries included. */
export interface RunEnd {
  /** `stopped`: somebody ended it before it was through. */
  readonly outcome: 'completed' | 'failed' | 'stopped'
  /** With which the last attempt is passed on: 0 if it completed. Absent if the run was stopped. */
  readonly exitCode?: number
  /** From the wish to the end. */
  readonly duration: Milliseconds
  /** Why it failed. */
  readonly reason?: string
}

export interface TaskRunsOptions {
  processes(): ReadonlyMap<string, SupervisedProcess>
  /** Names of the dependencies whose condition is not met. */
  unmet(process: SupervisedProcess): readonly string[]
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
    this.backups = new Backups({ feed, log, makeUp: (process) => this.#open && process.start() })
  }

  /** To be called when the processes have been started, and when they are others. */
  keep(): void {
    this.#open = true
    this.#timetable.keep(this.#options.processes().values())
    this.backups.keep(this.#options.processes().values())
  }

  /** Nothing is run any more. */
  close(): void {
    this.#open = false
    this.#timetable.close()
    this.backups.close()
  }

  /** What a status says of a task besides what its process knows. */
  factsOf(process: SupervisedProcess): Pick<ProcessStatus, 'nextRun' | 'backup'> {
    const [nextRun, backup] = [this.#timetable.nextRun(process), this.backups.standing(process)]
    return { ...(nextRun !== undefined && { nextRun }), ...(backup && { backup }) }
  }

  run(name: string): RunAnswer {
    const { processes } = this.#options
    if (!this.#open) return refused('stopping', 'gatehouse is starting or stopping: nothing can be run now')
    const process = processes().get(name)
    if (!process) return refused('unknown-process', unknown(name, [...processes().values()]))
    if (process.plan.kind === 'service') {
      return refused('not-a-task', `${name} is a service, which runs all the time; only a task can be run on demand`)
    }
    const obstacle = this.#obstacle(process)
    if (obstacle) return refused(obstacle.refusal, `${name} is not started: ${obstacle.words}`)
    const ended = this.#endOf(process)
    process.start()
    return { started: true, ended }
  }

  #fallDue(process: SupervisedProcess, due: number, late: boolean): void {
    const { feed, log } = this.#options
    const { name } = process.plan
    const at = new Date(due).toISOString()
    const obstacle = this.#obstacle(process)
    if (obstacle) {
      const message = `skips the run that is due: ${obstacle.words}`
      log.warn(message, { process: name, due: at })
      feed.emit({ type: 'schedule-skipped', process: name, message, due, reason: obstacle.words })
      return
    }
    if (late) {
      const ago = formatDuration(Date.now() - due)
      const message = `was due ${ago} ago: the clock was set, or gatehouse was halted; it runs now, once`
      log.warn(message, { process: name, due: at })
      feed.emit({ type: 'schedule-late', process: name, message, due })
    }
    process.start()
  }

  #obstacle(process: SupervisedProcess): { readonly refusal: 'busy' | 'not-met'; readonly words: string } | undefined {
    if (!process.atRest) return { refusal: 'busy', words: `its last run is not over (${process.state})` }
    const unmet = this.#options.unmet(process)
    if (unmet.length > 0) return { refusal: 'not-met', words: `it needs ${unmet.join(', ')}` }
    return undefined
  }

  /** Listens before the start: a run may be over at once. */
  #endOf(process: SupervisedProcess): Promise<RunEnd> {
    const started = performance.now()
    return new Promise((resolve) => {
      const leave = this.#options.feed.subscribe((event) => {
        if (event.type !== 'transition' || event.process !== process.plan.name || !process.atRest) return
        leave()
        const duration = Math.round(performance.now() - started)
        const failure = process.finalFailure
        if (failure) resolve({ outcome: 'failed', duration, exitCode: failure.exitCode, reason: failure.reason })
        else if (process.state === 'stopped') resolve({ outcome: 'stopped', duration })
        else resolve({ outcome: 'completed', duration, exitCode: 0 })
      })
    })
  }
}

function refused(refusal: Refusal, message: string): RunAnswer {
  return { started: false, refusal, message }
}

function unknown(name: string, processes: readonly SupervisedProcess[]): string {
  const tasks = processes.filter(({ plan }) => plan.kind === 'task').map(({ plan }) => plan.name)
  const near = nearest(name, tasks)
  const mend = near ? `; did you mean ${near}?` : tasks.length > 0 ? `; tasks are ${tasks.join(', ')}` : ''
  return `there is no process ${name}${mend}`
}
