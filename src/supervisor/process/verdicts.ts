import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { type Case, type Ending, type Judgement, judge, noFailures } from './restart.ts'
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
  #plan: ProcessPlan
  #failures = noFailures
  #last: Judgement | undefined
  #lastRun: LastRun | undefined
  /** It was asked to start, and has not been spawned since. */
  #asked = true
  #restarts = 0

  constructor(plan: ProcessPlan) {
    this.#plan = plan
  }

  /** From now on judged by this one; the failures until now still count. */
  adopt(plan: ProcessPlan): void {
    this.#plan = plan
  }

  /** On its last end, until it is spawned again or no longer wanted. */
  get last(): Judgement | undefined {
    return this.#last
  }

  /**
   * What the status says. `run`: the present one, if it is ready. `restarts`: how often it was spawned again by verdict; `failures`:
   * how many there were in a row before this run, 0 once it has been ready for so long that they are forgotten.
   */
  facts(run: Run | undefined): { restarts: number; failures: number; lastRun: LastRun | undefined } {
    const isUnsteady = run !== undefined && run.ready.longest < this.#plan.restart.steady
    return { restarts: this.#restarts, failures: isUnsteady ? this.#failures.count : 0, lastRun: this.#lastRun }
  }

  /** `run`: the one that ended, if there was one. */
  judge(ending: Ending, run: Run | undefined): Judgement {
    const [now, random] = [performance.now(), Math.random()]
    const judgement = judge(this.#plan, {
      ending,
      ...(run && { run: factsOf(run) }),
      failures: this.#failures,
      now,
      random,
    })
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

function factsOf({ uptime, ready }: Run): NonNullable<Case['run']> {
  return { uptime, readyFor: ready.longest, ...(ready.start !== undefined && { start: ready.start }) }
}
