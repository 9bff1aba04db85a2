/** What the probes of a run find, as events of the machine. */
import type { ProcessPlan } from '../plan/types.ts'
import type { Event } from './machine.ts'
import { Probing } from './probe/probing.ts'
import type { Run } from './run.ts'
import type { Surroundings } from './surroundings.ts'

export interface Prober {
  dispatch(event: Event): void
  remark(text: string): void
}

/** `plan`: with the port on which this run serves. */
export function probesOf(run: Run, plan: ProcessPlan, surroundings: Surroundings, prober: Prober): Probing {
  const { dispatch, remark } = prober
  const probing = new Probing(plan, run.child, {
    ready: () => dispatch('ready'),
    up: () => dispatch('up'),
    unready: () => dispatch('unready'),
    remark,
    deadlinePassed(complaint) {
      run.condemned = { kind: 'never-ready', complaint }
      dispatch('deadlinePassed')
    },
    unresponsive(complaint) {
      // While what it depends on is not ready, a restart would mend nothing; while that is in doubt, the next check tells.
      if (surroundings.unmetBelow(plan).length > 0) {
        probing.excuse(complaint)
        dispatch('blocked')
      } else if (!surroundings.isInDoubtBelow(plan)) {
        run.condemned = { kind: 'unresponsive', complaint }
        dispatch('unresponsive')
      }
    },
  })
  return probing
}
