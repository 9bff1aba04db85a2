/** The runs of one process, one after the other: the present one with its probes, and how it is ended. */

import { sameProbes } from '../../plan/diff/process-changes.ts'
import { chosenLater, withOwnPort } from '../../plan/model/own-port.ts'
import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { type Daemon, daemonsOf, daemonWords, longestDetour } from '../group/daemon.ts'
import { kernelProcess } from '../group/process-table.ts'
import { listeningTo } from '../output/output-sink.ts'
import type { Probing } from '../probe/probing.ts'
import { type Prober, RunProbes } from '../probe/run-probes.ts'
import type { Exit } from '../spawn/exit.ts'
import { climbDown, endRun, type Ladder, type LadderOptions } from '../stop/stop.ts'
import type { ProcessContext } from './process-context.ts'
import type { Ending } from './restart.ts'
import { Run } from './run.ts'
import type { Begun } from './start-program.ts'

export class Runs {
  readonly #context: ProcessContext
  readonly #prober: Prober
  readonly #probes: RunProbes
  /** The plan with the port of the present run, or of the last. */
  #placed: ProcessPlan
  #run: Run | undefined
  #exit: Exit | undefined
  #ladder: Ladder | undefined
  /** When the present one was forked, in the kernel's ticks; undefined: there is no /proc. */
  #started: number | undefined

  constructor(context: ProcessContext, prober: Prober) {
    this.#context = context
    this.#prober = prober
    this.#probes = new RunProbes(context, prober)
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
    const { output, killedForMemory } = this.#context
    const { plan, dispatch } = this.#prober
    // The plan may have become another one while a port was looked for.
    this.#placed = withPort(plan(), placed.port)
    const run = new Run(
      child,
      listeningTo(plan, output, (text) => this.probing?.line(text)),
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

  /** The present one goes on by another plan than this one; `starting`: it has not been ready yet. */
  adopt(before: ProcessPlan, { alive, starting }: { readonly alive: boolean; readonly starting: boolean }): void {
    const plan = this.#prober.plan()
    this.#placed = withPort(plan, this.#placed.port)
    if (!alive || !this.#run) return
    this.#context.ledger?.changed(plan, this.#run.child.pid)
    if (!sameProbes(before, plan)) this.#probes.change(this.#placed, starting)
  }

  /** Ends what is left of the present one; `over` is called when nothing more comes of it. */
  end(grace: Milliseconds, over: (ending: Ending) => void): void {
    const run = this.#run
    if (!run) return
    const { plan, dispatch, remark } = this.#prober
    const { signal } = plan().stop
    const how = { signal, grace, graceOver: () => dispatch('graceOver') }
    const end = endRun(run, how, remark)
    this.#ladder = end.ladder
    void end.over.then(async () => {
      if (run.exit?.code === 0 && !end.ladder.signalled && !run.condemned) {
        if (plan().kind === 'task') void this.#tellOfDaemons(run)
        else await this.#endDaemons(run, how)
      }
      over(run.ending)
    })
  }

  async #tellOfDaemons(run: Run): Promise<void> {
    const [first] = await this.#daemonsOf(run)
    if (first) this.#prober.remark(`left ${first.name} (pid ${first.pid}) running in the background, unsupervised`)
  }

  /** What it left in the background is ended in its stead: it would hold the port of the next one, and outlive us. */
  async #endDaemons(run: Run, how: LadderOptions): Promise<void> {
    const daemons = await this.#daemonsOf(run)
    const [first] = daemons
    if (!first) return
    run.condemned = { kind: 'daemonized', complaint: daemonWords(first) }
    for (const group of new Set(daemons.map((one) => one.group))) {
      this.#ladder = climbDown({ pid: group, exited: Promise.resolve({ code: 0, signal: null }) }, how)
      await this.#ladder.gone
    }
  }

  async #daemonsOf(run: Run): Promise<readonly Daemon[]> {
    const { name, command } = this.#placed
    if (this.#started === undefined || run.uptime > longestDetour) return []
    return daemonsOf({ name, command, started: this.#started, mark: this.#context.ledger?.mark ?? {} })
  }

  /** How long ago the group of the present run got its stop signal. */
  get signalledFor(): Milliseconds {
    return this.#ladder?.signalledFor() ?? 0
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
