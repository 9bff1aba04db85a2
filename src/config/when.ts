import { resolve } from 'node:path'
import { type Variables, variable } from './environment/interpolate.ts'
import type { FileFacts } from './file-facts.ts'
import type { Condition } from './schema/environment/condition.ts'

/** What a condition may look at. */
export interface Circumstances {
  readonly variables: Variables
  /** What `file` is relative to. */
  readonly directory: string
  readonly facts: FileFacts
}

/** Whether a `when:` is fulfilled; an empty variable counts as not set. */
export function holds(condition: Condition, circumstances: Circumstances): boolean {
  const { variables, directory, facts } = circumstances
  if (condition.not) return !holds(condition.not, circumstances)
  if (condition.all) return condition.all.every((one) => holds(one, circumstances))
  if (condition.any) return condition.any.some((one) => holds(one, circumstances))
  if (condition.file !== undefined) return facts.kindOf(resolve(directory, condition.file)) !== 'absent'
  if (condition.env === undefined) return false
  const value = variable(variables, condition.env)
  if (value === undefined) return false
  if (condition.equals !== undefined) return value === condition.equals
  return condition.matches === undefined || new RegExp(condition.matches).test(value)
}
