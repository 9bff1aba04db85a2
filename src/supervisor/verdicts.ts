import type { ProcessPlan } from '../plan/types.ts'
import type { Milliseconds } from '../shared/duration.ts'
import { type Ending, type Judgement, judge, noFailures } from './restart.ts'
import type { Run } from './run.ts'

/** How a run ended that nobody had asked to end. */
export interface LastRun {
  /** Unix time in milliseconds. */
  readonly startedAt: number
  readonly duration: Milliseconds
  readonly failed: boolean
}

/** The verdicts on one process, each given with those before it in mind. */
export class Verdicts {
  readonly #plan: ProcessPlan
  #failures = noFailures
  #last: Judgement | undefined
  #lastRun: LastRun | undefined
  /** It was asked to start, and has not been spawned since. */
  #asked = true
  #restarts = 0

  constructor(plan: ProcessPlan) {
    this.#plan = plan
  }

  /** On its last end, until it is spawned again or no longer wanted. */
  get last(): Judgement | undefined {
    return this.#last
  }

  get lastRun(): LastRun | undefined {
    return this.#lastRun
  }

  /** How often it was spawned again by verdict. */
  get restarts(): number {
    return this.#restarts
  }

  /** `run`: the one that ended, if there was one. */
  judge(ending: Ending, run: Run | undefined): Judgement {
    const [now, random] = [performance.now(), Math.random()]
    const judgement = judge(this.#plan, { ending, run, failures: this.#failures, now, random })
    this.#failures = judgement.failures
    this.#last = judgement
    if (run) {
      this.#lastRun = { startedAt: run.startedAt, duration: Math.round(run.uptime), failed: judgement.failed }
    }
    return judgement
  }

  /** Somebody asked for this start: failures of before are no reason to give up. */
  beginAnew(): void {
    this.#failures = noFailures
    this.#asked = true
  }

  spawned(): void {
    if (!this.#asked) this.#restarts += 1
    this.#asked = false
    this.forget()
  }

  /** The last end says nothing of the present any more; its failures still count. */
  forget(): void {
    this.#last = undefined
  }
}
