import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { decideRestart, type EndedRunFacts, type Ending, noFailures, type RestartDecision } from './restart.ts'
import type { Run } from './run.ts'

/** A run that ended without having been stopped. */
export interface LastRun {
  /** Unix time in milliseconds. */
  readonly startedAt: number
  readonly duration: Milliseconds
  readonly failed: boolean
}

/** Decides what follows each end of one process, and keeps count of its failures. */
export class RestartTracker {
  #plan: ProcessPlan
  #failures = noFailures
  #last: RestartDecision | undefined
  #lastRun: LastRun | undefined
  /** A start was requested, and it has not been spawned since. */
  #requested = true
  #restarts = 0

  constructor(plan: ProcessPlan) {
    this.#plan = plan
  }

  /** From now on this plan decides; earlier failures still count. */
  adopt(plan: ProcessPlan): void {
    this.#plan = plan
  }

  /** The one on its last end, until it is spawned again or no longer wanted. */
  get last(): RestartDecision | undefined {
    return this.#last
  }

  /**
   * For the status. `run`: the present one, if it is ready. `restarts`: how often it was restarted by its policy;
   * `failures`: how many in a row came before this run, 0 once it has been ready for `restart.steady`.
   */
  facts(run: Run | undefined): { restarts: number; failures: number; lastRun: LastRun | undefined } {
    const isUnsteady = run !== undefined && run.ready.longest < this.#plan.restart.steady
    return { restarts: this.#restarts, failures: isUnsteady ? this.#failures.count : 0, lastRun: this.#lastRun }
  }

  /** `run`: the one that ended; undefined if it could not be spawned. */
  decide(ending: Ending, run: Run | undefined): RestartDecision {
    const [now, random] = [performance.now(), Math.random()]
    const decision = decideRestart(this.#plan, {
      ending,
      ...(run && { run: factsOf(run) }),
      failures: this.#failures,
      now,
      random,
    })
    this.#failures = decision.failures
    this.#last = decision
    if (run) {
      this.#lastRun = { startedAt: run.startedAt, duration: Math.round(run.uptime), failed: decision.failed }
    }
    return decision
  }

  /** A start on request: earlier failures no longer count. */
  reset(): void {
    this.#failures = noFailures
    this.#requested = true
  }

  spawned(): void {
    if (!this.#requested) this.#restarts += 1
    this.#requested = false
    this.forget()
  }

  /** The last verdict no longer describes the present; its failures still count. */
  forget(): void {
    this.#last = undefined
  }
}

function factsOf({ uptime, ready }: Run): NonNullable<EndedRunFacts['run']> {
  return { uptime, readyFor: ready.longest, ...(ready.start !== undefined && { start: ready.start }) }
}
