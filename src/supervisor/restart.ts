/** The restart policy: what follows when a process that is still wanted has ended. Pure. */
import type { ProcessPlan } from '../plan/types.ts'
import { formatDuration, type Milliseconds } from '../shared/duration.ts'
import { restartPause } from './backoff.ts'
import { describeExit, type Exit, exitCodeFor } from './exit.ts'
import type { SpawnFailure } from './spawn-failure.ts'

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
 * Or it ended well, and left no backup (`fruitless`): then that is no excuse either.
 * The complaint is a predicate: `was not ready within 5m`.
 */
export interface Condemned {
  readonly kind: 'never-ready' | 'unresponsive' | 'oversized' | 'fruitless'
  readonly complaint: string
}

/** The failures since it was ready last. */
export interface Failures {
  /** When, on the monotonic clock; only those that count for giving up. */
  readonly times: readonly Milliseconds[]
  /** See backoff.ts. */
  readonly step: number
}

/** A crash at the very first start is not one after having been ready: it waits `next`. */
export const noFailures: Failures = { times: [], step: 0 }

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
  /** The run that ended: whether it had been ready, and how long it lasted. */
  readonly run?: { readonly wasReady: boolean; readonly uptime: Milliseconds }
  /** Those before this one. */
  readonly failures: Failures
  readonly now: Milliseconds
  /** In [0, 1), for the jitter. */
  readonly random: number
}

type Policy = Pick<ProcessPlan, 'kind' | 'ready' | 'restart'>

export function judge(plan: Policy, { ending, run, failures: before, now, random }: Case): Judgement {
  const { policy, backoff, giveUp } = plan.restart
  const failed = ending.kind !== 'exit' || ending.exit.code !== 0
  const unready = run && hadBeenReady(plan, run) ? undefined : before
  const failures = failureAdded(unready && withoutWaiting(unready, ending, run), now, giveUp.within)
  const reason = describeEnding(ending, run?.uptime)
  const judgement = { failed, reason, exitCode: exitCodeOf(ending), failures, pause: 0 }
  if (ending.kind === 'not-spawned' && ending.failure.local) {
    // Not a failure of its own: it counts for nothing but the pause, whatever the policy says of failures.
    const waited = { ...before, step: before.step + 1 }
    return { ...judgement, failures: waited, verdict: 'retry', pause: restartPause(backoff, before.step, random) }
  }
  if (ending.kind === 'not-spawned' && !ending.failure.transient) return { ...judgement, verdict: 'gaveUp' }
  if (plan.kind === 'task' && !failed) return { ...judgement, verdict: 'completed' }
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
 * Without a probe a service counts as having been ready only after this: it is ready at once when it is spawned, and
 * if that reset the count, a program that crashes at boot would be restarted without pause and without end.
 */
export const steadyAfter: Milliseconds = 5_000

function hadBeenReady({ kind, ready }: Policy, run: NonNullable<Case['run']>): boolean {
  return ready ? run.wasReady : kind === 'service' && run.uptime >= steadyAfter
}

/**
 * The window for giving up stands still while a start was waited for in vain: with a deadline longer than the window, a
 * process that never becomes ready would otherwise be started for ever.
 */
function withoutWaiting(before: Failures, ending: Ending, run: Case['run']): Failures {
  const waited = ending.kind === 'never-ready' ? (run?.uptime ?? 0) : 0
  return { ...before, times: before.times.map((time) => time + waited) }
}

function failureAdded(before: Failures | undefined, now: Milliseconds, within: Milliseconds): Failures {
  if (!before) return { times: [now], step: 0 }
  return { times: [...before.times.filter((time) => now - time <= within), now], step: before.step + 1 }
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
      return 1
    case 'not-spawned':
      return ending.failure.exitCode
  }
}
