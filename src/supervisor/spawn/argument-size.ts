import { launchBounds } from '../../plan/launch-size.ts'
import type { ProcessPlan } from '../../plan/model/plan.ts'
import { ownLimits } from '../rights/limits.ts'
import { type SpawnFailure, tooLarge } from './spawn-failure.ts'

/**
 * The failure if arguments and environment are too large for the kernel; undefined if they seem to fit. To be called
 * before they are copied, which takes long for a hundred thousand.
 */
export function sizeFailure({ launchSize: size }: ProcessPlan): SpawnFailure | undefined {
  if (size === undefined) return undefined
  const { least, most } = launchBounds
  const { soft = 'unlimited' } = ownLimits().get('stackSize') ?? {}
  const limit = soft === 'unlimited' ? most : Math.max(least, Math.min(most, soft / 4))
  return size > limit ? tooLarge : undefined
}
