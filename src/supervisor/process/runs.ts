/** The runs of one process, one after the other: the present one with its probes, and how it is stopped. */

import { sameProbes } from '../../plan/diff/process-changes.ts'
import { chosenLater, withOwnPort } from '../../plan/model/own-port.ts'
import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { type Daemon, daemonsOf, daemonWindow, daemonWords } from '../group/daemon.ts'
import { kernelProcess } from '../group/process-table.ts'
import { outputListener } from '../output/output-sink.ts'
import type { Probing } from '../probe/probing.ts'
import { type RunOwner, RunProbes } from '../probe/run-probes.ts'
import type { Exit } from '../spawn/exit.ts'
import { type GroupStop, type GroupStopOptions, stopGroup, stopRun } from '../stop/stop.ts'
import type { ProcessContext } from './process-context.ts'
import type { Ending } from './restart.ts'
import { Run } from './run.ts'
import type { StartedProgram } from './start-program.ts'

export class Runs {
  readonly #context: ProcessContext
  readonly #owner: RunOwner
  readonly #probes: RunProbes
  /** The plan with the port of the present run, or of the last. */
  #placed: ProcessPlan
  #run: Run | undefined
  #exit: Exit | undefined
  #stop: GroupStop | undefined
  /** When the present run was forked, in the kernel's ticks; undefined: there is no /proc. */
  #started: number | undefined

  constructor(context: ProcessContext, owner: RunOwner) {
    this.#context = context
    this.#owner = owner
    this.#probes = new RunProbes(context, owner)
    this.#placed = owner.plan()
  }

  /** The present run, or the last. */
  get last(): Run | undefined {
    return this.#run
  }

  /** How the last one ended. */
  get exit(): Exit | undefined {
    return this.#exit
  }

  get placed(): ProcessPlan {
    return this.#placed
  }

  get probing(): Probing | undefined {
    return this.#probes.present
  }

  begin({ child, plan: placed, backup }: StartedProgram): void {
    const { output, killedForMemory } = this.#context
    const { plan, dispatch } = this.#owner
    // The plan may have changed while a port was looked for.
    this.#placed = withPort(plan(), placed.port)
    const run = new Run(
      child,
      outputListener(plan, output, (text) => this.probing?.line(text)),
      backup,
    )
    this.#run = run
    this.#started = kernelProcess(child.pid)?.started
    this.#probes.of(run, this.#placed)
    run.watchLeader((exit) => {
      this.#exit = exit
      run.outOfMemory = killedForMemory(plan(), exit)
      dispatch('leaderExited')
    })
  }

  /** The plan has changed from `before` during the present run. `starting`: it has not been ready yet. */
  adopt(before: ProcessPlan, { alive, starting }: { readonly alive: boolean; readonly starting: boolean }): void {
    const plan = this.#owner.plan()
    this.#placed = withPort(plan, this.#placed.port)
    if (!alive || !this.#run) return
    this.#context.ledger?.changed(plan, this.#run.child.pid)
    if (!sameProbes(before, plan)) this.#probes.change(this.#placed, starting)
  }

  /** Stops what is left of the present run; `over` is called when it has ended in every respect. */
  end(grace: Milliseconds, over: (ending: Ending) => void): void {
    const run = this.#run
    if (!run) return
    const { plan, dispatch, warn } = this.#owner
    const { signal } = plan().stop
    const how = { signal, grace, graceOver: () => dispatch('graceOver') }
    const end = stopRun(run, how, warn)
    this.#stop = end.stop
    void end.over.then(async () => {
      if (run.exit?.code === 0 && !end.stop.signalled && !run.fault) {
        if (plan().kind === 'task') void this.#warnOfDaemons(run)
        else await this.#endDaemons(run, how)
      }
      over(run.ending)
    })
  }

  async #warnOfDaemons(run: Run): Promise<void> {
    const [first] = await this.#daemonsOf(run)
    if (first) this.#owner.warn(`left ${first.name} (pid ${first.pid}) running in the background, unsupervised`)
  }

  /** Stops what it left in the background, which would hold the port of the next run and outlive us. */
  async #endDaemons(run: Run, how: GroupStopOptions): Promise<void> {
    const daemons = await this.#daemonsOf(run)
    const [first] = daemons
    if (!first) return
    run.fault = { kind: 'daemonized', problem: daemonWords(first) }
    for (const group of new Set(daemons.map((one) => one.group))) {
      this.#stop = stopGroup({ pid: group, exited: Promise.resolve({ code: 0, signal: null }) }, how)
      await this.#stop.gone
    }
  }

  async #daemonsOf(run: Run): Promise<readonly Daemon[]> {
    const { name, command } = this.#placed
    if (this.#started === undefined || run.uptime > daemonWindow) return []
    return daemonsOf({ name, command, started: this.#started, mark: this.#context.ledger?.mark ?? {} })
  }

  /** How long ago the group of the present run got its stop signal. */
  get signalledFor(): Milliseconds {
    return this.#stop?.signalledFor() ?? 0
  }

  /** Leaves at most this much of the grace period. */
  shorten(grace: Milliseconds): void {
    this.#stop?.shorten(grace)
  }

  /** SIGKILL to the whole group. */
  kill(): void {
    this.#stop?.kill()
  }
}

function withPort(plan: ProcessPlan, port = chosenLater): ProcessPlan {
  return plan.port === chosenLater && port !== chosenLater ? withOwnPort(plan, port) : plan
}
