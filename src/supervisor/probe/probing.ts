/** All that is asked of one run of a program, from its spawn to its end: whether it has started up, is ready, is alive. */

import type { LivenessProbe, ProcessPlan, ReadinessProbe, ReportedCheck, StartupProbe } from '../../plan/model/plan.ts'
import { NotTried } from '../../shared/system/local-fault.ts'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout, sleep } from '../../shared/time/timer.ts'
import type { Child } from '../spawn/spawn.ts'
import { type Hearing, hear } from './announcement.ts'
import { type Attempt, type Finding, tryOnce } from './attempt.ts'
import { attemptOf } from './attempt-of.ts'
import { Streak } from './streak.ts'

export interface ProbeListener {
  /** It is ready: for the first time, or again. */
  ready(): void
  /** A task without a probe for that: it is ready when it has completed. */
  up(): void
  /** It did not start up, or was not ready, in time: `was not ready within 5m (…)`. */
  deadlinePassed(complaint: string): void
  /** It does not answer as ready any more. */
  unready(): void
  /** Too many checks in a row have failed; said again with each further one. */
  unresponsive(complaint: string): void
  /** For the log. */
  remark(text: string): void
}

export class Probing {
  readonly #plan: ProcessPlan
  readonly #listener: ProbeListener
  readonly #over = new AbortController()
  readonly #hearings = new Map<StartupProbe | ReadinessProbe, Hearing>()
  readonly #readiness: Streak
  readonly #liveness: Streak
  #deadline: NodeJS.Timeout | undefined
  #saidNotTried = Number.NEGATIVE_INFINITY
  #startedUp = false

  /**
   * Listens at once to what the program says by itself; asks from `begin` on. `before`: the probing of the same run whose place
   * it takes, and who heard what the program has said; to be closed then.
   */
  constructor(plan: ProcessPlan, child: Pick<Child, 'notifications'>, listener: ProbeListener, before?: Probing) {
    this.#plan = plan
    this.#listener = listener
    this.#readiness = new Streak('failed its ready check', plan.ready?.failures ?? Number.POSITIVE_INFINITY)
    this.#liveness = new Streak('failed its alive check', plan.alive?.failures ?? Number.POSITIVE_INFINITY)
    for (const probe of [plan.startup, plan.ready]) {
      if (probe?.kind !== 'log' && probe?.kind !== 'fd') continue
      const closed = (why: string) => this.#over.signal.aborted || listener.remark(why)
      const known = before ? before.#heardFor(probe) : undefined
      this.#hearings.set(probe, known ?? hear(probe, child.notifications, closed))
    }
    this.#startedUp = before ? before.#startedUp : false
  }

  #heardFor(check: ReportedCheck): Hearing | undefined {
    for (const [probe, hearing] of this.#hearings) if (says(probe) === says(check)) return hearing
    return undefined
  }

  /** Why it is not ready although its start is over; while it is probed. */
  get complaint(): string | undefined {
    return this.#over.signal.aborted ? undefined : (this.#liveness.complaint ?? this.#readiness.complaint)
  }

  /** Its last check failed: it may turn out not to be ready. */
  get inDoubt(): boolean {
    return this.#liveness.inDoubt || this.#readiness.inDoubt
  }

  /** Since when it has not answered (monotonic); undefined if its last checks were well. */
  get silentSince(): Milliseconds | undefined {
    return this.#liveness.silentSince ?? this.#readiness.silentSince
  }

  /** A line that the program wrote. */
  line(text: string): void {
    for (const hearing of this.#hearings.values()) hearing.line(text)
  }

  /** First the startup probe, then readiness; tells once how that ends. */
  begin(): void {
    const { startup, ready, kind } = this.#plan
    const over = () => (ready || kind === 'service' ? this.#listener.ready() : this.#listener.up())
    const askReady = () => {
      this.#startedUp = true
      if (ready) this.#await(ready, 'was not ready', over)
      else over()
    }
    if (startup && !this.#startedUp) this.#await(startup, 'did not start up', askReady)
    else askReady()
  }

  /** To be called once it has become ready. */
  askOn(): void {
    const { ready, alive } = this.#plan
    if (ready?.failures !== undefined && ready.kind !== 'log' && ready.kind !== 'fd') {
      void this.#repeat(ready, attemptOf(this.#plan, ready), (found) => this.#readyAnswer(found))
    }
    if (alive) void this.#repeat(alive, attemptOf(this.#plan, alive), (found) => this.#aliveAnswer(found))
  }

  /** To be called instead of that on one that takes the place of another: what was held against the run holds until it answers. */
  goOn(complaint: string | undefined): void {
    const { ready, alive } = this.#plan
    const asksReady = ready?.failures !== undefined
    if (complaint !== undefined) {
      if (alive) this.#liveness.hold(complaint)
      if (asksReady) this.#readiness.hold(complaint)
      if (!alive && !asksReady) this.#listener.ready() // nobody asks any more for what it failed
    }
    this.askOn()
  }

  /** That it is not alive is held against it until it answers, but nothing follows from it. */
  excuse(complaint: string): void {
    this.#liveness.hold(complaint)
  }

  /** What made it unresponsive is mended: it gets as many attempts as at first. */
  countAnew(): void {
    this.#liveness.countAnew()
  }

  /** None of the listeners is called any more. */
  close(): void {
    clearTimeout(this.#deadline)
    this.#over.abort()
  }

  #await(probe: StartupProbe | ReadinessProbe, complaint: string, passed: () => void): void {
    let last: Finding
    // If it could not be asked at the end of its time, the next answer decides: our own limits are no verdict on it.
    let overdue = false
    const fail = () => {
      this.close()
      const found = typeof last === 'string' ? ` (${last})` : ''
      this.#listener.deadlinePassed(`${complaint} within ${formatDuration(probe.deadline)}${found}`)
    }
    this.#deadline = setTimeout(() => {
      if (last instanceof NotTried) overdue = true
      else fail()
    }, probe.deadline)
    const success =
      probe.kind === 'log' || probe.kind === 'fd'
        ? this.#hearings.get(probe)?.heard
        : untilWell(attemptOf(this.#plan, probe), probe, this.#over.signal, (found) => {
            last = found
            if (found instanceof NotTried) this.#sayNotTried(found)
            else if (overdue) fail()
          })
    void success?.then(() => {
      if (this.#over.signal.aborted) return
      clearTimeout(this.#deadline)
      passed()
    })
  }

  async #repeat(
    { every, timeout }: Pick<LivenessProbe, 'every' | 'timeout'>,
    attempt: Attempt,
    answer: (found: string | undefined) => void,
  ): Promise<void> {
    const { signal } = this.#over
    for (;;) {
      await pause(every, signal)
      if (signal.aborted) return
      const found = await tryOnce(attempt, timeout, signal)
      if (signal.aborted) return
      if (found instanceof NotTried) this.#sayNotTried(found)
      else answer(found)
    }
  }

  #sayNotTried({ why }: NotTried): void {
    const now = performance.now()
    if (now - this.#saidNotTried < untilSaidAgain) return
    this.#saidNotTried = now
    this.#listener.remark(`could not be probed: ${why}; this says nothing about the process, and the probe is retried`)
  }

  #readyAnswer(found: string | undefined): void {
    const before = this.complaint
    const complaint = this.#readiness.add(found)
    if (complaint !== undefined) this.#readiness.hold(complaint)
    this.#tell(before)
  }

  #aliveAnswer(found: string | undefined): void {
    const before = this.complaint
    const complaint = this.#liveness.add(found)
    if (complaint !== undefined) this.#listener.unresponsive(complaint)
    else this.#tell(before)
  }

  #tell(before: string | undefined): void {
    if (before === undefined && this.complaint !== undefined) this.#listener.unready()
    if (before !== undefined && this.complaint === undefined) this.#listener.ready()
  }
}

/** Two checks with the same of these are fulfilled by the same words. */
function says(check: StartupProbe | ReadinessProbe | ReportedCheck): string | undefined {
  if (check.kind === 'log') return `log ${check.pattern}`
  return check.kind === 'fd' ? `fd ${check.descriptor}` : undefined
}

/** Of what keeps all programs from being asked. */
const untilSaidAgain: Milliseconds = 60_000

/** Many programs are ready long before the first second is over: pauses begin short and grow by half. */
const firstPause: Milliseconds = 20
const growth = 1.5

async function untilWell(
  attempt: Attempt,
  { every, timeout }: Pick<ReadinessProbe, 'every' | 'timeout'>,
  over: AbortSignal,
  tell: (found: string | NotTried) => void,
): Promise<void> {
  for (let length = firstPause; !over.aborted; length *= growth) {
    const found = await tryOnce(attempt, timeout, over)
    if (found === undefined || over.aborted) return
    tell(found)
    await pause(Math.min(length, every), over)
  }
}

/** Ends early when the signal aborts. */
async function pause(length: Milliseconds, over: AbortSignal): Promise<void> {
  await sleep(length, undefined, { signal: over }).catch(() => {})
}
