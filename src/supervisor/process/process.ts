/** One supervised process: drives the state machine and performs its effects. */

import { isDeepStrictEqual } from 'node:util'
import type { ProcessPlan } from '../../plan/model/plan.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import { type ProcessStatus, statusFrom } from '../status.ts'
import { ignoredWords } from '../stop/stop.ts'
import { logTransition } from './log-transitions.ts'
import { type Effect, type Event, type State, transition } from './machine.ts'
import type { ProcessContext } from './process-context.ts'
import type { Ending, RestartDecision } from './restart.ts'
import { RestartTracker } from './restart-tracker.ts'
import { Runs } from './runs.ts'
import { serialize } from './serialize.ts'
import { startProgram } from './start-program.ts'

export class SupervisedProcess {
  #plan: ProcessPlan
  readonly #context: ProcessContext
  // Changed only in #step and what it calls.
  #wanted = false
  #state: State = 'stopped'
  #ready = false

  readonly #runs: Runs
  #restart: NodeJS.Timeout | undefined
  #grace: Milliseconds
  /** It waits for dependencies that were not met at the last check. */
  #awaiting = false
  /** Grows each time it enters `waiting`. */
  #attempt = 0
  readonly #restarts: RestartTracker
  /** An effect may cause an event: each event is taken when the one before is done. */
  readonly #dispatch = serialize((event: Event) => this.#step(event))
  /** Called when it has come to rest. */
  readonly #atRestListeners: (() => void)[] = []

  readonly #effects: Readonly<Record<Effect, () => void>> = {
    awaitDependencies: () => {
      this.#attempt += 1
      this.#awaiting = true
      this.reconcile()
    },
    spawn: () => this.#spawn(),
    beginProbes: () => this.#runs.probing?.begin(),
    keepProbing: () => this.#runs.probing?.keepChecking(),
    resetFailures: () => this.#runs.probing?.resetFailures(),
    endProbes: () => this.#runs.probing?.close(),
    becomeReady: () => {
      this.#ready = true
      this.#runs.last?.ready.begin()
    },
    loseReady: () => {
      this.#ready = false
      this.#runs.last?.ready.end(this.#runs.probing?.silentSince)
    },
    signalGroup: () => this.#runs.end(this.#grace, (ending) => this.#settle(ending)),
    shortenGrace: () => this.#runs.shorten(this.#grace),
    killGroup: () => {
      this.#say('warn', ignoredWords(this.plan.stop.signal, this.#runs.signalledFor))
      this.#runs.kill()
    },
    scheduleRestart: () => {
      this.#restart = setTimeout(() => this.#dispatch('backoffOver'), this.#restarts.last?.pause ?? 0)
    },
    cancelRestart: () => clearTimeout(this.#restart),
  }

  constructor(plan: ProcessPlan, context: ProcessContext) {
    this.#plan = plan
    this.#context = context
    this.#restarts = new RestartTracker(plan)
    this.#runs = new Runs(context, {
      dispatch: this.#dispatch,
      warn: (text) => this.#say('warn', text),
      plan: () => this.#plan,
    })
    this.#grace = plan.stop.grace
  }

  get plan(): ProcessPlan {
    return this.#plan
  }

  get state(): State {
    return this.#state
  }

  get ready(): boolean {
    return this.#ready
  }

  /** Nothing of it runs, and no start is planned. */
  get atRest(): boolean {
    return this.#state === 'stopped' || this.#state === 'exited' || this.#state === 'fatal'
  }

  /** It exited with success: what depends on it with `completed` may start. */
  get completed(): boolean {
    return this.#state === 'exited' && this.#restarts.last?.failed === false
  }

  /** A service that exited with success and that its policy does not restart. */
  get endedWell(): boolean {
    return this.completed && this.#plan.kind === 'service'
  }

  /** Set while it is down for good because of a failure. */
  get finalFailure(): RestartDecision | undefined {
    const over = this.#state === 'exited' || this.#state === 'fatal'
    return over && this.#restarts.last?.failed ? this.#restarts.last : undefined
  }

  /** It is ready, but its last check failed. */
  get inDoubt(): boolean {
    return this.#ready && this.#runs.probing?.inDoubt === true
  }

  get waitingFor(): readonly string[] {
    return this.#awaiting ? this.#unmet() : []
  }

  /** A parked process waits for all of its direct and indirect dependencies: any may be why it does not answer. */
  #unmet(): readonly string[] {
    const { unmet, unmetBelow } = this.#context
    return this.#state === 'parked' ? unmetBelow(this.plan) : unmet(this.plan)
  }

  /** Earlier failures no longer count, and a pause before the next attempt is cut short. No effect while it runs. */
  start(): void {
    if (this.atRest || this.#state === 'backoff') this.#restarts.reset()
    this.#wanted = true
    this.#dispatch('start')
  }

  /**
   * Supervises it by this plan from now on. The plan asks for the same program (process-changes.ts), so a run
   * continues; settings that concern the start take effect at the next one.
   */
  adopt(plan: ProcessPlan): void {
    const before = this.#plan
    this.#plan = plan
    this.#restarts.adopt(plan)
    if (this.#state !== 'stopping') this.#grace = plan.stop.grace
    const starting = this.#state === 'starting'
    this.#runs.adopt(before, { starting, alive: starting || this.#state === 'running' || this.#state === 'parked' })
    // The pause under way was that of the old plan.
    if (this.#state === 'backoff' && !isDeepStrictEqual(before.restart.backoff, plan.restart.backoff))
      this.#dispatch('start')
  }

  /** It is not started again from now on. A run continues until `stop`. */
  release(): void {
    this.#wanted = false
    if (this.#state === 'waiting' || this.#state === 'backoff') this.#dispatch('stop')
  }

  /**
   * Stops it; resolves when its group is gone. Another call can only shorten the grace period.
   */
  stop(grace: Milliseconds): Promise<void> {
    this.#wanted = false
    this.#grace = Math.min(this.#grace, grace)
    this.#dispatch('stop')
    return this.atRest ? Promise.resolve() : new Promise((resolve) => void this.#atRestListeners.push(resolve))
  }

  /** Stops it because it uses too much memory; its restart policy decides what follows. Only while it has a process. */
  endOversized(problem: string): void {
    if (this.#runs.last) this.#runs.last.fault ??= { kind: 'oversized', problem }
    this.#dispatch('oversized')
  }

  /** To be called when something that it may depend on has changed. */
  reconcile(): void {
    if (!this.#awaiting || this.#unmet().length > 0) return
    this.#awaiting = false
    this.#dispatch('dependenciesMet')
  }

  status(): ProcessStatus {
    return statusFrom({
      plan: this.#runs.placed,
      wanted: this.#wanted,
      state: this.#state,
      ready: this.#ready,
      run: this.#runs.last,
      exit: this.#runs.exit,
      ...this.#restarts.facts(this.#ready ? this.#runs.last : undefined),
      waitingFor: this.waitingFor,
      reason: this.#restarts.last?.reason ?? this.#runs.probing?.problem,
    })
  }

  #step(event: Event): void {
    const [from, wasReady] = [this.#state, this.#ready]
    const { state, effects, impossible } = transition(from, event)
    if (impossible !== undefined) {
      this.#say('error', `internal: ${event} came in state ${from}: ${impossible}`)
      return
    }
    this.#state = state
    if (state !== 'waiting' && state !== 'parked') this.#awaiting = false
    if (state === 'stopped') this.#restarts.forget()
    for (const effect of effects) this.#effects[effect]()
    if (from === state && wasReady === this.#ready) return
    this.#log(from)
    this.#context.changed({ state: from, ready: wasReady })
    if (this.atRest) for (const resolve of this.#atRestListeners.splice(0)) resolve()
  }

  #spawn(): void {
    const attempt = this.#attempt
    startProgram(this.plan, this.#context, {
      isAwaited: () => this.#state === 'waiting' && this.#attempt === attempt,
      started: (program) => {
        this.#runs.begin(program)
        this.#restarts.spawned()
        this.#dispatch('spawned')
      },
      failed: (failure) => this.#settle({ kind: 'not-spawned', failure }),
    })
  }

  /** The run has ended, or could not be started. */
  #settle(ending: Ending): void {
    if (!this.#wanted) {
      this.#dispatch('released')
      return
    }
    const run = ending.kind === 'not-spawned' ? undefined : this.#runs.last
    this.#dispatch(this.#restarts.decide(ending, run).verdict)
  }

  #log(from: State): void {
    const { plan } = this
    const { pause = 0, failed = false } = this.#restarts.last ?? {}
    logTransition(this.#context.log, { plan, from, status: this.status(), ran: this.#runs.last?.uptime, pause, failed })
  }

  #say(level: 'warn' | 'error', message: string): void {
    this.#context.log[level](message, {
      process: this.plan.name,
      state: this.#state,
      pid: this.#runs.last?.child.pid,
    })
  }
}
