/** The probes of a process's runs, one run after the other: what they find, as events of the machine. */
import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Event } from '../process/machine.ts'
import type { ProcessContext } from '../process/process-context.ts'
import type { Run } from '../process/run.ts'
import { type ProbeListener, Probing } from './probing.ts'

export interface Prober {
  dispatch(event: Event): void
  remark(text: string): void
  /** As it is now. */
  plan(): ProcessPlan
}

export class RunProbes {
  readonly #context: ProcessContext
  readonly #prober: Prober
  #run: Run | undefined
  #probing: Probing | undefined

  constructor(context: ProcessContext, prober: Prober) {
    this.#context = context
    this.#prober = prober
  }

  /** Of this run, or of the last. */
  get present(): Probing | undefined {
    return this.#probing
  }

  /** `plan`: with the port on which this run serves. Nothing is asked yet. */
  of(run: Run, plan: ProcessPlan): void {
    this.#run = run
    this.#probing = new Probing(plan, run.child, this.#listenerFor(run))
  }

  /** The run is asked as this plan has it from now on; `starting`: it has not been ready yet, and has all its time again. */
  change(plan: ProcessPlan, starting: boolean): void {
    const [run, before] = [this.#run, this.#probing]
    if (!run || !before) return
    const { complaint } = before
    const probing = new Probing(plan, run.child, this.#listenerFor(run), before)
    this.#probing = probing
    before.close()
    // A line that is asked for only now may have been said already.
    for (const line of run.lastOutput) probing.line(line)
    if (starting) probing.begin()
    else probing.goOn(complaint)
  }

  #listenerFor(run: Run): ProbeListener {
    const { dispatch, remark, plan } = this.#prober
    const context = this.#context
    return {
      ready: () => dispatch('ready'),
      up: () => dispatch('up'),
      unready: () => dispatch('unready'),
      remark,
      deadlinePassed(complaint) {
        run.condemned = { kind: 'never-ready', complaint }
        dispatch('deadlinePassed')
      },
      unresponsive: (complaint) => {
        // While what it depends on is not ready, a restart would mend nothing; while that is in doubt, the next check tells.
        if (context.unmetBelow(plan()).length > 0) {
          this.#probing?.excuse(complaint)
          dispatch('blocked')
        } else if (!context.isInDoubtBelow(plan())) {
          run.condemned = { kind: 'unresponsive', complaint }
          dispatch('unresponsive')
        }
      },
    }
  }
}
