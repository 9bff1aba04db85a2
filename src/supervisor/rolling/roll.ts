/**
 * One rolling restart: a successor starts beside a process and takes over; then the old process is drained and stopped.
 */

import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Log } from '../../shared/log.ts'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import type { SupervisedProcess } from '../process/process.ts'

/**
 * Resolves with the number of requests that were cut, once no request to this port of 127.0.0.1 is in flight any more,
 * after at most `budget`. To be called only when `status` gives another port for the process, so that no new request
 * goes there.
 */
export type Drain = (port: number, budget: Milliseconds) => Promise<number>

export interface RollOptions {
  /** The one that serves, and its successor. */
  readonly before: SupervisedProcess
  readonly after: SupervisedProcess
  /** Default: no process ever has requests in flight. */
  readonly drain?: Drain
  readonly log: Log
  /** Makes `after` the process that counts; `before` is not started again. */
  takeOver(): void
}

const nothingToDrain: Drain = () => Promise.resolve(0)

/** Why the old process is kept, as a predicate of its successor. */
export type RollFailure = string

export class Roll {
  readonly before: SupervisedProcess
  readonly after: SupervisedProcess
  /** Resolves when one of the two has ended: with the failure if it is the successor. */
  readonly done: Promise<RollFailure | undefined>
  readonly #options: RollOptions
  readonly #end: (failure: RollFailure | undefined) => void
  #phase: 'rising' | 'leaving' | 'over' = 'rising'
  #tookOver = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: RollOptions) {
    const { promise, resolve } = Promise.withResolvers<RollFailure | undefined>()
    this.before = options.before
    this.after = options.after
    this.done = promise
    this.#options = options
    this.#end = resolve
  }

  get name(): string {
    return this.after.plan.name
  }

  /** The successor has not taken over yet. */
  get rising(): boolean {
    return this.#phase === 'rising'
  }

  get tookOver(): boolean {
    return this.#tookOver
  }

  /** Of the two, the one that does not count. */
  get copy(): SupervisedProcess {
    return this.#tookOver ? this.before : this.after
  }

  begin(): void {
    const { startup, ready } = this.after.plan
    const limit = (startup?.deadline ?? 0) + (ready?.deadline ?? 0)
    this.#timer = setTimeout(() => void this.fail(`was not ready within ${formatDuration(limit)}`), limit)
    this.#say('info', `starting its successor; pid ${this.before.status().pid} keeps serving until that is ready`)
    this.after.start()
  }

  /** To be called when one of the two has changed. */
  look(): void {
    if (!this.rising) return
    if (this.after.ready) void this.#leave(true)
    else if (this.after.atRest) void this.fail(this.after.finalFailure?.reason ?? 'ended before it was ready')
    // The old process ended by itself: nothing is left to drain, and the successor is all there is.
    else if (!serves(this.before)) void this.#leave(false)
  }

  /** Ends the successor, unless it has taken over; resolves when it is gone. */
  async fail(failure: RollFailure): Promise<void> {
    if (!this.rising) return
    this.#over()
    const { pid } = this.before.status()
    this.#say('error', `rolling restart failed: the successor ${failure}; pid ${pid} keeps serving`)
    await this.after.stop(this.after.plan.stop.grace)
    this.#end(failure)
  }

  /** Everything stops: the caller stops both. */
  halt(): void {
    const failure = this.rising ? 'was stopped before it was ready' : undefined
    this.#over()
    this.#end(failure)
  }

  #over(): void {
    clearTimeout(this.#timer)
    this.#phase = 'over'
  }

  async #leave(drained: boolean): Promise<void> {
    const { before, after } = this
    const { drain = nothingToDrain } = this.#options
    const { pid, port } = before.status()
    clearTimeout(this.#timer)
    this.#phase = 'leaving'
    this.#tookOver = true
    this.#options.takeOver()
    const { pid: successor } = after.status()
    if (drained) {
      const { drain: budget = 0 } = after.plan.restart.rolling ?? {}
      this.#say('info', `pid ${successor} took over; draining pid ${pid} for up to ${formatDuration(budget)}`)
      const cut = port === undefined ? 0 : await drain(port, budget)
      if (cut > 0) this.#say('warn', `cut ${cut} requests to pid ${pid} that were still unanswered after the drain`)
    } else {
      this.#say('warn', 'ended while its successor was starting; the successor takes its place at once')
    }
    // Unless everything stops meanwhile: then the shutdown's deadline counts.
    if (this.#phase === 'leaving') await before.stop(before.plan.stop.grace)
    this.#over()
    this.#end(undefined)
  }

  #say(level: keyof Log, message: string): void {
    this.#options.log[level](message, { process: this.name })
  }
}

/** Whether a change of its plan can be a rolling restart: only if it serves now. */
export function canRoll(process: SupervisedProcess | undefined, next: ProcessPlan): process is SupervisedProcess {
  return next.restart.rolling !== undefined && process?.ready === true && serves(process)
}

function serves({ state }: SupervisedProcess): boolean {
  return state === 'running' || state === 'parked'
}
