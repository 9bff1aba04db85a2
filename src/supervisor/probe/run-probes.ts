/** The probes of a process's runs, one run after the other; their findings become events of the state machine. */
import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Event } from '../process/machine.ts'
import type { ProcessContext } from '../process/process-context.ts'
import type { Run } from '../process/run.ts'
import { type ProbeListener, Probing } from './probing.ts'

/** The process whose runs these are. */
export interface RunOwner {
  dispatch(event: Event): void
  warn(text: string): void
  /** As it is now. */
  plan(): ProcessPlan
}

export class RunProbes {
  readonly #context: ProcessContext
  readonly #owner: RunOwner
  #run: Run | undefined
  #probing: Probing | undefined

  constructor(context: ProcessContext, owner: RunOwner) {
    this.#context = context
    this.#owner = owner
  }

  /** Those of the present run, or of the last. */
  get present(): Probing | undefined {
    return this.#probing
  }

  /** `plan`: with the port of this run. No probe is sent yet. */
  of(run: Run, plan: ProcessPlan): void {
    this.#run = run
    this.#probing = new Probing(plan, run.child, this.#listenerFor(run))
  }

  /** Probes the run by this plan from now on. `starting`: it has not been ready yet, and its deadline begins anew. */
  change(plan: ProcessPlan, starting: boolean): void {
    const [run, before] = [this.#run, this.#probing]
    if (!run || !before) return
    const { problem } = before
    const probing = new Probing(plan, run.child, this.#listenerFor(run), before)
    this.#probing = probing
    before.close()
    // The line that is now waited for may have been written already.
    for (const line of run.lastOutput) probing.line(line)
    if (starting) probing.begin()
    else probing.continueWith(problem)
  }

  #listenerFor(run: Run): ProbeListener {
    const { dispatch, warn, plan } = this.#owner
    const context = this.#context
    return {
      ready: () => dispatch('ready'),
      up: () => dispatch('up'),
      unready: () => dispatch('unready'),
      warn,
      deadlinePassed(problem) {
        run.fault = { kind: 'never-ready', problem }
        dispatch('deadlinePassed')
      },
      unresponsive: (problem) => {
        // While a dependency is not ready, a restart would not help; while that is in doubt, the next check decides.
        if (context.unmetBelow(plan()).length > 0) {
          this.#probing?.hold(problem)
          dispatch('blocked')
        } else if (!context.isInDoubtBelow(plan())) {
          run.fault = { kind: 'unresponsive', problem }
          dispatch('unresponsive')
        }
      },
    }
  }
}
