/** The probes of one run of a program, from its spawn to its end: startup, readiness, liveness. */

import type { LivenessProbe, ProcessPlan, ReadinessProbe, ReportedCheck, StartupProbe } from '../../plan/model/plan.ts'
import { NotTried } from '../../shared/system/local-fault.ts'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout, sleep } from '../../shared/time/timer.ts'
import type { Child } from '../spawn/spawn.ts'
import { type Announcement, listenFor } from './announcement.ts'
import { type Attempt, type Finding, tryOnce } from './attempt.ts'
import { attemptOf } from './attempt-of.ts'
import { Streak } from './streak.ts'

export interface ProbeListener {
  /** It is ready, for the first time or again. */
  ready(): void
  /** A task without a ready probe has started: it is ready when it has completed. */
  up(): void
  /** It did not start up, or was not ready, in time: `was not ready within 5m (…)`. */
  deadlinePassed(problem: string): void
  /** It fails its ready check. */
  unready(): void
  /** Too many alive checks in a row have failed; called again with each further one. */
  unresponsive(problem: string): void
  /** For the log. */
  warn(text: string): void
}

export class Probing {
  readonly #plan: ProcessPlan
  readonly #listener: ProbeListener
  readonly #over = new AbortController()
  readonly #announcements = new Map<StartupProbe | ReadinessProbe, Announcement>()
  readonly #readiness: Streak
  readonly #liveness: Streak
  #deadline: NodeJS.Timeout | undefined
  #warnedNotTriedAt = Number.NEGATIVE_INFINITY
  #startedUp = false

  /**
   * Listens for announcements at once; probes from `begin` on. `before`: the previous probing of the same run, whose
   * announcements it takes over; close that one afterwards.
   */
  constructor(plan: ProcessPlan, child: Pick<Child, 'notifications'>, listener: ProbeListener, before?: Probing) {
    this.#plan = plan
    this.#listener = listener
    this.#readiness = new Streak('failed its ready check', plan.ready?.failures ?? Number.POSITIVE_INFINITY)
    this.#liveness = new Streak('failed its alive check', plan.alive?.failures ?? Number.POSITIVE_INFINITY)
    for (const probe of [plan.startup, plan.ready]) {
      if (probe?.kind !== 'log' && probe?.kind !== 'fd') continue
      const closed = (why: string) => this.#over.signal.aborted || listener.warn(why)
      const known = before ? before.#announcementFor(probe) : undefined
      this.#announcements.set(probe, known ?? listenFor(probe, child.notifications, closed))
    }
    this.#startedUp = before ? before.#startedUp : false
  }

  #announcementFor(check: ReportedCheck): Announcement | undefined {
    for (const [probe, announcement] of this.#announcements)
      if (announcementKey(probe) === announcementKey(check)) return announcement
    return undefined
  }

  /** While it is probed: why it is not ready although its start is over. */
  get problem(): string | undefined {
    return this.#over.signal.aborted ? undefined : (this.#liveness.problem ?? this.#readiness.problem)
  }

  /** Its last check failed: it may turn out not to be ready. */
  get inDoubt(): boolean {
    return this.#liveness.inDoubt || this.#readiness.inDoubt
  }

  /** Since when it has failed its checks (monotonic); undefined if it passed the last ones. */
  get silentSince(): Milliseconds | undefined {
    return this.#liveness.silentSince ?? this.#readiness.silentSince
  }

  /** A line that the program wrote. */
  line(text: string): void {
    for (const announcement of this.#announcements.values()) announcement.line(text)
  }

  /** First the startup probe, then readiness; reports the outcome once. */
  begin(): void {
    const { startup, ready, kind } = this.#plan
    const over = () => (ready || kind === 'service' ? this.#listener.ready() : this.#listener.up())
    const awaitReady = () => {
      this.#startedUp = true
      if (ready) this.#await(ready, 'was not ready', over)
      else over()
    }
    if (startup && !this.#startedUp) this.#await(startup, 'did not start up', awaitReady)
    else awaitReady()
  }

  /** To be called when it has become ready: checks from now on whether it still is, and whether it is alive. */
  keepChecking(): void {
    const { ready, alive } = this.#plan
    if (ready?.failures !== undefined && ready.kind !== 'log' && ready.kind !== 'fd') {
      void this.#repeat(ready, attemptOf(this.#plan, ready), (found) => this.#readyAnswer(found))
    }
    if (alive) void this.#repeat(alive, attemptOf(this.#plan, alive), (found) => this.#aliveAnswer(found))
  }

  /** The same after a change of probes: the problem about the run stands until it passes a check. */
  continueWith(problem: string | undefined): void {
    const { ready, alive } = this.#plan
    const checksReady = ready?.failures !== undefined
    if (problem !== undefined) {
      if (alive) this.#liveness.hold(problem)
      if (checksReady) this.#readiness.hold(problem)
      if (!alive && !checksReady) this.#listener.ready() // the check that it failed is gone
    }
    this.keepChecking()
  }

  /** Keeps a failed alive check as its problem until it passes one, without any other consequence. */
  hold(problem: string): void {
    this.#liveness.hold(problem)
  }

  /** The cause of its failed alive checks is gone: they no longer count. */
  resetFailures(): void {
    this.#liveness.resetFailures()
  }

  /** None of the listeners is called any more. */
  close(): void {
    clearTimeout(this.#deadline)
    this.#over.abort()
  }

  #await(probe: StartupProbe | ReadinessProbe, problem: string, passed: () => void): void {
    let last: Finding
    // If it could not be probed when its time was up, the next answer decides: a shortage on our side is not its fault.
    let overdue = false
    const fail = () => {
      this.close()
      const found = typeof last === 'string' ? ` (${last})` : ''
      this.#listener.deadlinePassed(`${problem} within ${formatDuration(probe.deadline)}${found}`)
    }
    this.#deadline = setTimeout(() => {
      if (last instanceof NotTried) overdue = true
      else fail()
    }, probe.deadline)
    const success =
      probe.kind === 'log' || probe.kind === 'fd'
        ? this.#announcements.get(probe)?.announced
        : untilSuccess(attemptOf(this.#plan, probe), probe, this.#over.signal, (found) => {
            last = found
            if (found instanceof NotTried) this.#warnNotTried(found)
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
      if (found instanceof NotTried) this.#warnNotTried(found)
      else answer(found)
    }
  }

  #warnNotTried({ why }: NotTried): void {
    const now = performance.now()
    if (now - this.#warnedNotTriedAt < warnAgainAfter) return
    this.#warnedNotTriedAt = now
    this.#listener.warn(`could not be probed: ${why}; this says nothing about the process, and the probe is retried`)
  }

  #readyAnswer(found: string | undefined): void {
    const before = this.problem
    const problem = this.#readiness.add(found)
    if (problem !== undefined) this.#readiness.hold(problem)
    this.#report(before)
  }

  #aliveAnswer(found: string | undefined): void {
    const before = this.problem
    const problem = this.#liveness.add(found)
    if (problem !== undefined) this.#listener.unresponsive(problem)
    else this.#report(before)
  }

  #report(before: string | undefined): void {
    if (before === undefined && this.problem !== undefined) this.#listener.unready()
    if (before !== undefined && this.problem === undefined) this.#listener.ready()
  }
}

/** Two checks with the same key wait for the same announcement. */
function announcementKey(check: StartupProbe | ReadinessProbe | ReportedCheck): string | undefined {
  if (check.kind === 'log') return `log ${check.pattern}`
  return check.kind === 'fd' ? `fd ${check.descriptor}` : undefined
}

/** Between warnings about a shortage that keeps us from probing. */
const warnAgainAfter: Milliseconds = 60_000

/** Many programs are ready well within a second: pauses begin short and grow by half. */
const firstPause: Milliseconds = 20
const growth = 1.5

async function untilSuccess(
  attempt: Attempt,
  { every, timeout }: Pick<ReadinessProbe, 'every' | 'timeout'>,
  over: AbortSignal,
  report: (found: string | NotTried) => void,
): Promise<void> {
  for (let length = firstPause; !over.aborted; length *= growth) {
    const found = await tryOnce(attempt, timeout, over)
    if (found === undefined || over.aborted) return
    report(found)
    await pause(Math.min(length, every), over)
  }
}

/** Ends early when the signal aborts. */
async function pause(length: Milliseconds, over: AbortSignal): Promise<void> {
  await sleep(length, undefined, { signal: over }).catch(() => {})
}
