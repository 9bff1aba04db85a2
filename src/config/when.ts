import { resolve } from 'node:path'
import { type Variables, variable } from './environment/interpolate.ts'
import type { FileFacts } from './file-facts.ts'
import type { Condition } from './schema/environment/condition.ts'

/** The inputs of a condition. */
export interface ConditionContext {
  readonly variables: Variables
  /** What `file` is relative to. */
  readonly directory: string
  readonly facts: FileFacts
}

/** Whether a `when:` holds; an empty variable counts as not set. */
export function holds(condition: Condition, context: ConditionContext): boolean {
  const { variables, directory, facts } = context
  if (condition.not) return !holds(condition.not, context)
  if (condition.all) return condition.all.every((one) => holds(one, context))
  if (condition.any) return condition.any.some((one) => holds(one, context))
  if (condition.file !== undefined) return facts.kindOf(resolve(directory, condition.file)) !== 'absent'
  if (condition.env === undefined) return false
  const value = variable(variables, condition.env)
  if (value === undefined) return false
  if (condition.equals !== undefined) return value === condition.equals
  return condition.matches === undefined || new RegExp(condition.matches).test(value)
}
