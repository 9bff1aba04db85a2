/** One supervised process: drives the machine and performs its effects. */
import { chosenLater, withOwnPort } from '../plan/own-port.ts'
import type { ProcessPlan } from '../plan/types.ts'
import { formatDuration, type Milliseconds } from '../shared/duration.ts'
import type { Exit } from './exit.ts'
import { inTurn } from './in-turn.ts'
import { type Effect, type Event, type State, transition } from './machine.ts'
import { narrate } from './narrate.ts'
import { Probing } from './probe/probing.ts'
import { programOf } from './program.ts'
import type { Ending, Judgement } from './restart.ts'
import { Run } from './run.ts'
import { outOfPorts } from './spare-ports.ts'
import { spawnGroup } from './spawn.ts'
import { type ProcessStatus, statusFrom } from './status.ts'
import { climbDown, killWait, type Ladder } from './stop.ts'
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
  readonly #verdicts: Verdicts
  /** Effects cause events: each is taken when the one before is done with. */
  readonly #dispatch = inTurn((event: Event) => this.#step(event))
  readonly #rest: (() => void)[] = []

  readonly #effects: Readonly<Record<Effect, () => void>> = {
    awaitDependencies: () => {
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
      if (this.#run) this.#run.wasReady = true
    },
    loseReady: () => {
      this.#ready = false
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

  start(): void {
    if (this.atRest) this.#verdicts.beginAnew()
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
      restarts: this.#verdicts.restarts,
      waitingFor: this.waitingFor,
      reason: this.#verdicts.last?.reason ?? this.#probing?.complaint,
      lastRun: this.#verdicts.lastRun,
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
    this.#surroundings.changed(this, from)
    if (this.atRest) for (const resolve of this.#rest.splice(0)) resolve()
  }

  #spawn(): void {
    if (this.plan.port === chosenLater) void this.#spawnOnSparePort()
    else this.#spawnPlaced()
  }

  async #spawnOnSparePort(): Promise<void> {
    const found = await this.#surroundings.sparePort().catch(outOfPorts)
    // A stop may have come meanwhile, and even another start, which may wait for dependencies or has its process.
    if (this.#state !== 'waiting' || this.#awaiting) return
    if (typeof found !== 'number') return this.#settle({ kind: 'not-spawned', failure: found })
    this.#placed = withOwnPort(this.plan, found)
    this.#spawnPlaced()
  }

  #spawnPlaced(): void {
    const spawned = spawnGroup(programOf(this.#placed), 'piped')
    if ('failed' in spawned) {
      void spawned.failed.then((failure) => this.#settle({ kind: 'not-spawned', failure }))
      return
    }
    const { name } = this.plan
    const run = new Run(spawned.child, (stream, text) => {
      this.#surroundings.output.line(name, stream, text)
      this.#probing?.line(text)
    })
    this.#run = run
    this.#probing = this.#probe(run)
    this.#verdicts.spawned()
    run.watchLeader((exit) => {
      this.#exit = exit
      this.#dispatch('leaderExited')
    })
    this.#dispatch('spawned')
  }

  #probe(run: Run): Probing {
    return new Probing(this.#placed, run.child, {
      ready: () => this.#dispatch('ready'),
      up: () => this.#dispatch('up'),
      unready: () => this.#dispatch('unready'),
      remark: (text) => this.#say('warn', text),
      deadlinePassed: (complaint) => {
        run.condemned = { kind: 'never-ready', complaint }
        this.#dispatch('deadlinePassed')
      },
      unresponsive: (complaint) => this.#judgeSilence(run, complaint),
    })
  }

  /** While what it depends on is not ready, a restart would mend nothing; and while that is in doubt, the next check tells. */
  #judgeSilence(run: Run, complaint: string): void {
    const { unmetBelow, isInDoubtBelow } = this.#surroundings
    if (unmetBelow(this.plan).length > 0) {
      this.#probing?.excuse(complaint)
      this.#dispatch('blocked')
    } else if (!isInDoubtBelow(this.plan)) {
      run.condemned = { kind: 'unresponsive', complaint }
      this.#dispatch('unresponsive')
    }
  }

  #endGroup(): void {
    const run = this.#run
    if (!run) return
    const { signal } = this.plan.stop
    const ladder = climbDown(run.child, { signal, grace: this.#grace, graceOver: () => this.#dispatch('graceOver') })
    this.#ladder = ladder
    if (run.exit && ladder.signalled)
      this.#say('warn', `left others in its group behind when it ended: they get ${signal}`)
    void ladder.gone.then(async (gone) => {
      if (!gone) this.#say('warn', `has not ended ${formatDuration(killWait)} after SIGKILL: it is stuck in the kernel`)
      await run.outputRead()
      this.#settle(run.ending)
    })
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
