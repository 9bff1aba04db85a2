/** One supervised process: drives the machine and performs its effects. */
import type { ProcessPlan } from '../plan/types.ts'
import type { Milliseconds } from '../shared/duration.ts'
import type { Exit } from './exit.ts'
import { inTurn } from './in-turn.ts'
import { listeningTo } from './listening.ts'
import { type Effect, type Event, type State, transition } from './machine.ts'
import { narrate } from './narrate.ts'
import type { Probing } from './probe/probing.ts'
import type { Ending, Judgement } from './restart.ts'
import { Run } from './run.ts'
import { probesOf } from './run-probes.ts'
import { type Begun, startProgram } from './start-program.ts'
import { type ProcessStatus, statusFrom } from './status.ts'
import { endRun, type Ladder } from './stop.ts'
import type { Surroundings } from './surroundings.ts'
import { Verdicts } from './verdicts.ts'

export class SupervisedProcess {
  readonly plan: ProcessPlan
  readonly #surroundings: Surroundings
  /** The plan with the port of the present run, or of the last. */
  #placed: ProcessPlan
  // The three facts. They change only in #step and what it calls.
  #wanted = false
  #state: State = 'stopped'
  #ready = false

  /** The present one, or the last. */
  #run: Run | undefined
  #exit: Exit | undefined
  #probing: Probing | undefined
  #ladder: Ladder | undefined
  #restart: NodeJS.Timeout | undefined
  #grace: Milliseconds
  /** Its dependencies are not met, or were not when it last looked. */
  #awaiting = false
  /** Grows with each way through `waiting`. */
  #attempt = 0
  readonly #verdicts: Verdicts
  /** Effects cause events: each is taken when the one before is done with. */
  readonly #dispatch = inTurn((event: Event) => this.#step(event))
  readonly #rest: (() => void)[] = []

  readonly #effects: Readonly<Record<Effect, () => void>> = {
    awaitDependencies: () => {
      this.#attempt += 1
      this.#awaiting = true
      this.reconsider()
    },
    spawn: () => this.#spawn(),
    beginProbes: () => this.#probing?.begin(),
    keepProbing: () => this.#probing?.askOn(),
    countAnew: () => this.#probing?.countAnew(),
    endProbes: () => this.#probing?.close(),
    becomeReady: () => {
      this.#ready = true
      this.#run?.ready.begin()
    },
    loseReady: () => {
      this.#ready = false
      this.#run?.ready.end(this.#probing?.silentSince)
    },
    signalGroup: () => this.#endGroup(),
    shortenGrace: () => this.#ladder?.shorten(this.#grace),
    killGroup: () => {
      this.#say('warn', `did not end by ${this.plan.stop.signal} in time: its group gets SIGKILL`)
      this.#ladder?.kill()
    },
    scheduleRestart: () => {
      this.#restart = setTimeout(() => this.#dispatch('backoffOver'), this.#verdicts.last?.pause)
    },
    cancelRestart: () => clearTimeout(this.#restart),
  }

  constructor(plan: ProcessPlan, surroundings: Surroundings) {
    this.plan = plan
    this.#placed = plan
    this.#surroundings = surroundings
    this.#verdicts = new Verdicts(plan)
    this.#grace = plan.stop.grace
  }

  get state(): State {
    return this.#state
  }

  get ready(): boolean {
    return this.#ready
  }

  /** Nothing of it runs or is going to. */
  get atRest(): boolean {
    return this.#state === 'stopped' || this.#state === 'exited' || this.#state === 'fatal'
  }

  /** It ended, and well: what depends on it `completed` may start. */
  get completed(): boolean {
    return this.#state === 'exited' && this.#verdicts.last?.failed === false
  }

  /** Set while it is down for good because of a failure. */
  get finalFailure(): Judgement | undefined {
    const over = this.#state === 'exited' || this.#state === 'fatal'
    return over && this.#verdicts.last?.failed ? this.#verdicts.last : undefined
  }

  /** It is ready, but its last check failed. */
  get inDoubt(): boolean {
    return this.#ready && this.#probing?.inDoubt === true
  }

  get waitingFor(): readonly string[] {
    return this.#awaiting ? this.#unmet() : []
  }

  /** What is parked needs more than a start: all on the way down may be why it does not answer. */
  #unmet(): readonly string[] {
    const { unmet, unmetBelow } = this.#surroundings
    return this.#state === 'parked' ? unmetBelow(this.plan) : unmet(this.plan)
  }

  /** What failed before is forgotten, and a pause before the next attempt is cut short; no effect on what runs. */
  start(): void {
    if (this.atRest || this.#state === 'backoff') this.#verdicts.beginAnew()
    this.#wanted = true
    this.#dispatch('start')
  }

  /** It is not started again from now on. What runs of it goes on until `stop`. */
  release(): void {
    this.#wanted = false
    if (this.#state === 'waiting' || this.#state === 'backoff') this.#dispatch('stop')
  }

  /**
   * Ends it; resolves when nothing of its group is left. To be called again to hurry: the grace may only become shorter.
   */
  stop(grace: Milliseconds): Promise<void> {
    this.#wanted = false
    this.#grace = Math.min(this.#grace, grace)
    this.#dispatch('stop')
    return this.atRest ? Promise.resolve() : new Promise((resolve) => void this.#rest.push(resolve))
  }

  /** It holds too much memory: it is ended, and what follows is the policy's. Only while it has a process. */
  endOversized(complaint: string): void {
    if (this.#run) this.#run.condemned ??= { kind: 'oversized', complaint }
    this.#dispatch('oversized')
  }

  /** To be called when something it may depend on has changed. */
  reconsider(): void {
    if (!this.#awaiting || this.#unmet().length > 0) return
    this.#awaiting = false
    this.#dispatch('dependenciesMet')
  }

  status(): ProcessStatus {
    return statusFrom({
      plan: this.#placed,
      wanted: this.#wanted,
      state: this.#state,
      ready: this.#ready,
      run: this.#run,
      exit: this.#exit,
      ...this.#verdicts.facts(this.#ready ? this.#run : undefined),
      waitingFor: this.waitingFor,
      reason: this.#verdicts.last?.reason ?? this.#probing?.complaint,
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
    if (state === 'stopped') this.#verdicts.forget()
    for (const effect of effects) this.#effects[effect]()
    if (from === state && wasReady === this.#ready) return
    this.#narrate(from)
    this.#surroundings.changed(this, { state: from, ready: wasReady })
    if (this.atRest) for (const resolve of this.#rest.splice(0)) resolve()
  }

  #spawn(): void {
    const attempt = this.#attempt
    startProgram(this.plan, this.#surroundings, {
      isAwaited: () => this.#state === 'waiting' && this.#attempt === attempt,
      started: (begun) => this.#begin(begun),
      failed: (failure) => this.#settle({ kind: 'not-spawned', failure }),
    })
  }

  #begin({ child, plan: placed, backup }: Begun): void {
    this.#placed = placed
    const run = new Run(
      child,
      listeningTo(this.plan, this.#surroundings.output, (text) => this.#probing?.line(text)),
      backup,
    )
    this.#run = run
    this.#probing = probesOf(run, placed, this.#surroundings, {
      dispatch: this.#dispatch,
      remark: (text) => this.#say('warn', text),
    })
    this.#verdicts.spawned()
    run.watchLeader((exit) => {
      this.#exit = exit
      run.outOfMemory = this.#surroundings.killedForMemory(this.plan, exit)
      this.#dispatch('leaderExited')
    })
    this.#dispatch('spawned')
  }

  #endGroup(): void {
    const run = this.#run
    if (!run) return
    const { signal } = this.plan.stop
    const graceOver = () => this.#dispatch('graceOver')
    const { ladder, over } = endRun(run, { signal, grace: this.#grace, graceOver }, (text) => this.#say('warn', text))
    this.#ladder = ladder
    void over.then(() => this.#settle(run.ending))
  }

  /** It has ended, or could not begin. */
  #settle(ending: Ending): void {
    if (!this.#wanted) {
      this.#dispatch('released')
      return
    }
    const run = ending.kind === 'not-spawned' ? undefined : this.#run
    this.#dispatch(this.#verdicts.judge(ending, run).verdict)
  }

  #narrate(from: State): void {
    const { plan } = this
    const { pause = 0, failed = false } = this.#verdicts.last ?? {}
    narrate(this.#surroundings.log, { plan, from, status: this.status(), ran: this.#run?.uptime, pause, failed })
  }

  #say(level: 'warn' | 'error', message: string): void {
    this.#surroundings.log[level](message, { process: this.plan.name, state: this.#state, pid: this.#run?.child.pid })
  }
}
