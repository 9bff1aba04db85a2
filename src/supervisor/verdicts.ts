import type { ProcessPlan } from '../plan/types.ts'
import { type Case, type Ending, type Judgement, judge, noFailures } from './restart.ts'

/** The verdicts on one process, each given with those before it in mind. */
export class Verdicts {
  readonly #plan: ProcessPlan
  #failures = noFailures
  #last: Judgement | undefined

  constructor(plan: ProcessPlan) {
    this.#plan = plan
  }

  /** On its last end, until it is spawned again or no longer wanted. */
  get last(): Judgement | undefined {
    return this.#last
  }

  /** `run`: the one that ended, if there was one. */
  judge(ending: Ending, run: Case['run']): Judgement {
    const [now, random] = [performance.now(), Math.random()]
    const judgement = judge(this.#plan, { ending, run, failures: this.#failures, now, random })
    this.#failures = judgement.failures
    this.#last = judgement
    return judgement
  }

  /** The last end says nothing of the present any more; its failures still count. */
  forget(): void {
    this.#last = undefined
  }
}
