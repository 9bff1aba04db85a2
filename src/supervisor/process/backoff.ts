import type { RestartPolicy } from '../../plan/model/plan.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'

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
