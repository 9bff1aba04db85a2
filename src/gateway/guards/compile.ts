import type { GuardsPlan } from '../../plan/types.ts'
import type { Guard } from './guard.ts'
import { bodyLimit } from './request-body.ts'

/** The guards of one route in the order in which they are asked: the cheap ones first. */
export function compileGuards(plan: GuardsPlan): readonly Guard[] {
  return [bodyLimit(plan.requestBody)]
}
