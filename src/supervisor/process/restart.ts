/** The restart policy: what follows when a process that is still wanted ends. Pure. */
import type { ProcessPlan, RestartPolicy } from '../../plan/model/plan.ts'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { describeExit, type Exit, exitCodeFor } from '../spawn/exit.ts'
import type { SpawnFailure } from '../spawn/spawn-failure.ts'

/** Also events of the machine. */
export type Verdict = 'retry' | 'completed' | 'ended' | 'gaveUp'

export type Ending =
  /** It ended by itself, or was killed by others: by the kernel, if `outOfMemory`. */
  | { readonly kind: 'exit'; readonly exit: Exit; readonly outOfMemory?: boolean }
  | RunFault
  /** It could not be spawned; unless the failure is transient, another attempt would fail, too. */
  | { readonly kind: 'not-spawned'; readonly failure: SpawnFailure }

/**
 * A failure whatever the exit code: we stopped it because it was not ready in time, failed its alive check or used too
 * much memory; or it exited with 0, but left no backup, or left its program in the background. The problem is a
 * predicate: `was not ready within 5m`.
 */
export interface RunFault {
  readonly kind: 'never-ready' | 'unresponsive' | 'oversized' | 'no-backup' | 'daemonized'
  readonly problem: string
}

/** Consecutive failures: those since it was last ready for `restart.steady`. */
export interface Failures {
  readonly count: number
  /** Monotonic; only those that count for giving up. */
  readonly times: readonly Milliseconds[]
  /** See `restartPause`. */
  readonly step: number
}

/** Before the first start. A crash at that start waits `next`, since it was not ready before. */
export const noFailures: Failures = { count: 0, times: [], step: 0 }

export interface RestartDecision {
  readonly verdict: Verdict
  /** It ended in failure. */
  readonly failed: boolean
  /** What happened, as a predicate: `exited with code 7 after 3s`. */
  readonly reason: string
  /** Gatehouse exits with this code if the process is essential; 1 to 255. */
  readonly exitCode: number
  readonly failures: Failures
  /** Until the next start. */
  readonly pause: Milliseconds
}

export interface EndedRunFacts {
  readonly ending: Ending
  /** The run that ended. */
  readonly run?: {
    readonly uptime: Milliseconds
    /** The longest uninterrupted time for which it was ready. */
    readonly readyFor: Milliseconds
    /** From the spawn until it was ready for the first time; absent: it never was. */
    readonly start?: Milliseconds
  }
  /** Those before this one. */
  readonly failures: Failures
  readonly now: Milliseconds
  /** In [0, 1), for the jitter. */
  readonly random: number
}

type Policy = Pick<ProcessPlan, 'kind' | 'startup' | 'ready' | 'restart'>

export function decideRestart(
  plan: Policy,
  { ending, run, failures: before, now, random }: EndedRunFacts,
): RestartDecision {
  const { policy, backoff, giveUp } = plan.restart
  const failed = ending.kind !== 'exit' || ending.exit.code !== 0
  const failures = failureAdded(plan, run, before, now)
  const reason = describeEnding(ending, run?.uptime)
  const decision = { failed, reason, exitCode: exitCodeOf(ending), failures, pause: 0 }
  if (ending.kind === 'not-spawned' && ending.failure.local) {
    // Not the program's failure: it only lengthens the pause, whatever the policy.
    const waited = { ...before, step: before.step + 1 }
    return { ...decision, failures: waited, verdict: 'retry', pause: restartPause(backoff, before.step, random) }
  }
  if (ending.kind === 'not-spawned' && !ending.failure.transient) return { ...decision, verdict: 'gaveUp' }
  // It would do so again.
  if (ending.kind === 'daemonized') return { ...decision, verdict: 'gaveUp' }
  if (plan.kind === 'task' && !failed) return { ...decision, failures: noFailures, verdict: 'completed' }
  if (policy === 'never' || (policy === 'on-failure' && !failed)) return { ...decision, verdict: 'ended' }
  // A service should not end, so under `always` even exit code 0 counts.
  const { length: count } = failures.times
  if (count < giveUp.failures) {
    return { ...decision, verdict: 'retry', pause: restartPause(backoff, failures.step, random) }
  }
  const history = `it failed ${count === 1 ? 'once' : `${count} times within ${formatDuration(giveUp.within)}`}`
  return { ...decision, verdict: 'gaveUp', failed: true, reason: `${history}; the last time it ${reason}` }
}

/**
 * Failures are forgotten only after it has been ready for a while: a process that gets ready and crashes, again and
 * again, is in a crash loop, too. The first failure of a process that had passed a probe counts as an accident: it is
 * restarted at once. Without a probe a service is ready as soon as it is spawned, which proves nothing.
 */
function failureAdded(plan: Policy, run: EndedRunFacts['run'], before: Failures, now: Milliseconds): Failures {
  const { steady, giveUp } = plan.restart
  const isSteady = run?.start !== undefined && run.readyFor >= steady
  const { count, times, step } = isSteady ? noFailures : withoutStart(plan, run, before)
  const accident = isSteady || (count === 0 && isProbed(plan) && run?.start !== undefined)
  return {
    count: count + 1,
    times: [...times.filter((time) => now - time <= giveUp.within), now],
    step: accident ? 0 : step + 1,
  }
}

/**
 * The window for giving up does not pass during a start: a process whose failing start takes longer than the window
 * would otherwise be restarted for ever.
 */
function withoutStart(plan: Policy, run: EndedRunFacts['run'], before: Failures): Failures {
  const waited = run && isProbed(plan) ? (run.start ?? run.uptime) : 0
  return { ...before, times: before.times.map((time) => time + waited) }
}

function isProbed({ startup, ready }: Policy): boolean {
  return startup !== undefined || ready !== undefined
}

function describeEnding(ending: Ending, ran: Milliseconds = 0): string {
  switch (ending.kind) {
    case 'exit': {
      const how = ending.outOfMemory ? 'was killed by the kernel for memory (OOM)' : describeExit(ending.exit)
      return `${how} after ${formatDuration(ran)}`
    }
    case 'never-ready':
    case 'unresponsive':
    case 'oversized':
    case 'no-backup':
    case 'daemonized':
      return ending.problem
    case 'not-spawned':
      return ending.failure.reason
  }
}

function exitCodeOf(ending: Ending): number {
  switch (ending.kind) {
    case 'exit':
      return exitCodeFor(ending.exit)
    case 'never-ready':
    case 'unresponsive':
    case 'oversized':
    case 'no-backup':
    case 'daemonized':
      return 1
    case 'not-spawned':
      return ending.failure.exitCode
  }
}

/** The pause varies by this part, so that programs that crashed together do not restart in one wave. */
export const jitter = 0.2

/**
 * The pause before a restart. Step 0, the first failure of a process that had been ready, is exactly `first`. From step
 * 1 on it is `next`, doubled with each step, ±20 %, and at most `max`. `random` is in [0, 1).
 */
export function restartPause(backoff: RestartPolicy['backoff'], step: number, random: number): Milliseconds {
  if (step === 0) return backoff.first
  const exact = Math.min(backoff.next * 2 ** (step - 1), backoff.max)
  return Math.min(Math.round(exact * (1 + jitter * (2 * random - 1))), backoff.max)
}
