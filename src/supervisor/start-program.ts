import { chosenLater, withOwnPort } from '../plan/own-port.ts'
import type { ProcessPlan } from '../plan/types.ts'
import { descriptorsOf } from './probe/hearing.ts'
import { programOf } from './program.ts'
import { outOfPorts } from './spare-ports.ts'
import { type Child, spawnGroup } from './spawn.ts'
import type { SpawnFailure } from './spawn-failure.ts'
import type { Surroundings } from './surroundings.ts'

export interface Starter {
  /** Asked after each wait: a stop may have come meanwhile, and even another start. Nothing is told any more if not. */
  isAwaited(): boolean
  /** `plan`: with the port on which it serves. */
  started(child: Child, plan: ProcessPlan): void
  failed(failure: SpawnFailure): void
}

/** Starts the program of a plan: at once, unless a spare port must be found for it first. Tells once how that went. */
export function startProgram(plan: ProcessPlan, surroundings: Surroundings, starter: Starter): void {
  const { isAwaited, started, failed } = starter
  const spawn = (placed: ProcessPlan) => {
    const { ledger } = surroundings
    const program = programOf(surroundings.withMemoryHint(placed))
    const environment = { ...program.environment, ...ledger?.mark }
    const spawned = spawnGroup({ ...program, environment }, 'piped', descriptorsOf(placed))
    if ('child' in spawned) {
      ledger?.began(placed, spawned.child.pid)
      started(spawned.child, placed)
    } else void spawned.failed.then((failure) => isAwaited() && failed(failure))
  }
  if (plan.port !== chosenLater) {
    spawn(plan)
    return
  }
  void surroundings
    .sparePort()
    .catch(outOfPorts)
    .then((found) => {
      if (!isAwaited()) return
      if (typeof found === 'number') spawn(withOwnPort(plan, found))
      else failed(found)
    })
}
