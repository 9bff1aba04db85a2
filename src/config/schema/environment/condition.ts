import * as z from 'zod'
import { customIssue } from '../invalid-value.ts'
import { anyText, regularExpression, text } from '../scalars.ts'
import { listOf, variableReference } from '../structures.ts'

/** `when:` includes its block only if the condition holds. */
export interface Condition {
  env?: string | undefined
  equals?: string | undefined
  matches?: string | undefined
  file?: string | undefined
  not?: Condition | undefined
  all?: readonly Condition[] | undefined
  any?: readonly Condition[] | undefined
}

export const conditionSchema: z.ZodType<Condition> = z
  .strictObject({
    env: variableReference.describe('Holds if this variable is set and not empty').optional(),
    equals: anyText.describe('... and has this value').optional(),
    matches: regularExpression.describe('... and matches this regular expression').optional(),
    file: text('the path of a file or folder').describe('Holds if this file or folder exists').optional(),
    get not(): z.ZodOptional<z.ZodType<Condition>> {
      return conditionSchema.optional()
    },
    get all(): z.ZodOptional<z.ZodType<readonly Condition[]>> {
      return conditionList().describe('Holds if all of these hold').optional()
    },
    get any(): z.ZodOptional<z.ZodType<readonly Condition[]>> {
      return conditionList().describe('Holds if any of these holds').optional()
    },
  })
  .superRefine((condition, context) => {
    const { env, file, not, all, any } = condition
    const subjects = [env, file, not, all, any].filter((subject) => subject !== undefined)
    if (subjects.length !== 1)
      context.addIssue(
        customIssue(
          'choose-one',
          'a condition needs exactly one of `env`, `file`, `not`, `all` and `any`',
          'for example `when: { env: NAME }`',
        ),
      )
    else if (condition.env === undefined && (condition.equals ?? condition.matches) !== undefined)
      context.addIssue(
        customIssue(
          'missing-key',
          '`equals` and `matches` need `env`, the variable to compare',
          'name it: `{ env: NAME, equals: value }`',
        ),
      )
    else if (condition.equals !== undefined && condition.matches !== undefined)
      context.addIssue(customIssue('choose-one', 'a condition has both `equals` and `matches`', 'keep one of the two'))
  })

// Not empty: whether an empty list holds would be surprising either way.
function conditionList(): z.ZodType<readonly Condition[]> {
  return listOf(conditionSchema, 'a list of conditions: `[{ env: NAME }, { file: PATH }]`')
}
