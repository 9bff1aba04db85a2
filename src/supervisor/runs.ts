/** The runs of one process, one after the other: the present one with its probes, and how it is ended. */
import { chosenLater, withOwnPort } from '../plan/own-port.ts'
import { sameProbes } from '../plan/process-changes.ts'
import type { ProcessPlan } from '../plan/types.ts'
import type { Milliseconds } from '../shared/duration.ts'
import type { Exit } from './exit.ts'
import { listeningTo } from './listening.ts'
import type { Probing } from './probe/probing.ts'
import type { Ending } from './restart.ts'
import { Run } from './run.ts'
import { type Prober, RunProbes } from './run-probes.ts'
import type { Begun } from './start-program.ts'
import { endRun, type Ladder } from './stop.ts'
import type { Surroundings } from './surroundings.ts'

export class Runs {
  readonly #surroundings: Surroundings
  readonly #prober: Prober
  readonly #probes: RunProbes
  /** The plan with the port of the present run, or of the last. */
  #placed: ProcessPlan
  #run: Run | undefined
  #exit: Exit | undefined
  #ladder: Ladder | undefined

  constructor(surroundings: Surroundings, prober: Prober) {
    this.#surroundings = surroundings
    this.#prober = prober
    this.#probes = new RunProbes(surroundings, prober)
    this.#placed = prober.plan()
  }

  /** The present one, or the last. */
  get last(): Run | undefined {
    return this.#run
  }

  /** How one ended last. */
  get exit(): Exit | undefined {
    return this.#exit
  }

  get placed(): ProcessPlan {
    return this.#placed
  }

  get probing(): Probing | undefined {
    return this.#probes.present
  }

  begin({ child, plan: placed, backup }: Begun): void {
    const { output, killedForMemory } = this.#surroundings
    const { plan, dispatch } = this.#prober
    // The plan may have become another one while a port was looked for.
    this.#placed = withPort(plan(), placed.port)
    const run = new Run(
      child,
      listeningTo(plan, output, (text) => this.probing?.line(text)),
      backup,
    )
    this.#run = run
    this.#probes.of(run, this.#placed)
    run.watchLeader((exit) => {
      this.#exit = exit
      run.outOfMemory = killedForMemory(plan(), exit)
      dispatch('leaderExited')
    })
  }

  /** The present one goes on by another plan than this one; `starting`: it has not been ready yet. */
  adopt(before: ProcessPlan, { alive, starting }: { readonly alive: boolean; readonly starting: boolean }): void {
    const plan = this.#prober.plan()
    this.#placed = withPort(plan, this.#placed.port)
    if (!alive || !this.#run) return
    this.#surroundings.ledger?.changed(plan, this.#run.child.pid)
    if (!sameProbes(before, plan)) this.#probes.change(this.#placed, starting)
  }

  /** Ends what is left of the present one; `over` is called when nothing more comes of it. */
  end(grace: Milliseconds, over: (ending: Ending) => void): void {
    const run = this.#run
    if (!run) return
    const { plan, dispatch, remark } = this.#prober
    const { signal } = plan().stop
    const end = endRun(run, { signal, grace, graceOver: () => dispatch('graceOver') }, remark)
    this.#ladder = end.ladder
    void end.over.then(() => over(run.ending))
  }

  /** At most so much of the grace is left. */
  shorten(grace: Milliseconds): void {
    this.#ladder?.shorten(grace)
  }

  /** SIGKILL to the whole group. */
  kill(): void {
    this.#ladder?.kill()
  }
}

function withPort(plan: ProcessPlan, port = chosenLater): ProcessPlan {
  return plan.port === chosenLater && port !== chosenLater ? withOwnPort(plan, port) : plan
}
