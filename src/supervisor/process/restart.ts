/** The restart policy: what follows when a process that is still wanted has ended. Pure. */
import type { ProcessPlan, RestartPolicy } from '../../plan/model/plan.ts'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { describeExit, type Exit, exitCodeFor } from '../spawn/exit.ts'
import type { SpawnFailure } from '../spawn/spawn-failure.ts'

/** Also events of the machine. */
export type Verdict = 'retry' | 'completed' | 'ended' | 'gaveUp'

export type Ending =
  /** It ended by itself, or someone else ended it: the kernel, if it is `outOfMemory`. */
  | { readonly kind: 'exit'; readonly exit: Exit; readonly outOfMemory?: boolean }
  | Condemned
  /** It could not be spawned; unless that is for the moment only, no further attempt could end better. */
  | { readonly kind: 'not-spawned'; readonly failure: SpawnFailure }

/**
 * We ended it because it was not ready in time, does not answer any more, or holds too much memory: how it took our signal is no excuse.
 * Or it ended well, and left no backup (`fruitless`), or itself in the background (`daemonized`): then that is no excuse either.
 * The complaint is a predicate: `was not ready within 5m`.
 */
export interface Condemned {
  readonly kind: 'never-ready' | 'unresponsive' | 'oversized' | 'fruitless' | 'daemonized'
  readonly complaint: string
}

/** Those in a row: since it was last ready for `restart.steady`. */
export interface Failures {
  readonly count: number
  /** When, on the monotonic clock; only those that count for giving up. */
  readonly times: readonly Milliseconds[]
  /** See `restartPause`. */
  readonly step: number
}

/** A crash at the very first start is not one after having been ready: it waits `next`. */
export const noFailures: Failures = { count: 0, times: [], step: 0 }

export interface Judgement {
  readonly verdict: Verdict
  /** It ended otherwise than it should. */
  readonly failed: boolean
  /** What happened, as a predicate: `exited with code 7 after 3s`. */
  readonly reason: string
  /** With which Gatehouse passes it on if this was the end of an essential process; 1 to 255. */
  readonly exitCode: number
  readonly failures: Failures
  /** Until the next start. */
  readonly pause: Milliseconds
}

export interface Case {
  readonly ending: Ending
  /** The run that ended. */
  readonly run?: {
    readonly uptime: Milliseconds
    /** The longest time for which it was ready without a break. */
    readonly readyFor: Milliseconds
    /** Until it was ready for the first time; absent: it never was. */
    readonly start?: Milliseconds
  }
  /** Those before this one. */
  readonly failures: Failures
  readonly now: Milliseconds
  /** In [0, 1), for the jitter. */
  readonly random: number
}

type Policy = Pick<ProcessPlan, 'kind' | 'startup' | 'ready' | 'restart'>

export function judge(plan: Policy, { ending, run, failures: before, now, random }: Case): Judgement {
  const { policy, backoff, giveUp } = plan.restart
  const failed = ending.kind !== 'exit' || ending.exit.code !== 0
  const failures = failureAdded(plan, run, before, now)
  const reason = describeEnding(ending, run?.uptime)
  const judgement = { failed, reason, exitCode: exitCodeOf(ending), failures, pause: 0 }
  if (ending.kind === 'not-spawned' && ending.failure.local) {
    // Not a failure of its own: it counts for nothing but the pause, whatever the policy says of failures.
    const waited = { ...before, step: before.step + 1 }
    return { ...judgement, failures: waited, verdict: 'retry', pause: restartPause(backoff, before.step, random) }
  }
  if (ending.kind === 'not-spawned' && !ending.failure.transient) return { ...judgement, verdict: 'gaveUp' }
  // It would do the same again.
  if (ending.kind === 'daemonized') return { ...judgement, verdict: 'gaveUp' }
  if (plan.kind === 'task' && !failed) return { ...judgement, failures: noFailures, verdict: 'completed' }
  if (policy === 'never' || (policy === 'on-failure' && !failed)) return { ...judgement, verdict: 'ended' }
  // A service should not end, so under `always` even exit code 0 counts.
  const { length: count } = failures.times
  if (count < giveUp.failures) {
    return { ...judgement, verdict: 'retry', pause: restartPause(backoff, failures.step, random) }
  }
  const history = `it failed ${count === 1 ? 'once' : `${count} times within ${formatDuration(giveUp.within)}`}`
  return { ...judgement, verdict: 'gaveUp', failed: true, reason: `${history}; the last time it ${reason}` }
}

/**
 * Failures are forgotten only when it has been ready for a while: what gets ready and crashes, again and again, is a crash loop
 * like any other. The first of a row is an accident, and what had answered a probe is back at once. Without a probe a service
 * is ready as soon as it is spawned, which tells nothing.
 */
function failureAdded(plan: Policy, run: Case['run'], before: Failures, now: Milliseconds): Failures {
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
 * The window for giving up stands still during a start: what takes longer than the window to be ready, or to fail at that, would
 * otherwise be started for ever.
 */
function withoutStart(plan: Policy, run: Case['run'], before: Failures): Failures {
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
    case 'fruitless':
    case 'daemonized':
      return ending.complaint
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
    case 'fruitless':
    case 'daemonized':
      return 1
    case 'not-spawned':
      return ending.failure.exitCode
  }
}

/** Up to so much is added or taken away, so that programs that fell together do not come back in one wave. */
export const jitter = 0.2

/**
 * The pause before a restart. Step 0 is the first failure of a row, of what had been ready: `first`, exactly. From step 1 on it
 * is `next`, doubling with each step, ±20 %, and never more than `max`. `random` is in [0, 1).
 */
export function restartPause(backoff: RestartPolicy['backoff'], step: number, random: number): Milliseconds {
  if (step === 0) return backoff.first
  const exact = Math.min(backoff.next * 2 ** (step - 1), backoff.max)
  return Math.min(Math.round(exact * (1 + jitter * (2 * random - 1))), backoff.max)
}
