import { z } from 'zod'
import { refusal } from './flaw.ts'
import { anyText, regularExpression, text } from './scalars.ts'
import { variableReference } from './structures.ts'

/** `when:` includes the block it stands in only if it holds. */
export interface Condition {
  env?: string | undefined
  equals?: string | undefined
  matches?: string | undefined
  file?: string | undefined
  not?: Condition | undefined
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
  })
  .superRefine((condition, context) => {
    const subjects = [condition.env, condition.file, condition.not].filter((subject) => subject !== undefined)
    if (subjects.length !== 1)
      context.addIssue(
        refusal(
          'choose-one',
          'a condition needs exactly one of `env`, `file` and `not`',
          'for example `when: { env: NAME }`',
        ),
      )
    else if (condition.env === undefined && (condition.equals ?? condition.matches) !== undefined)
      context.addIssue(
        refusal(
          'missing-key',
          'a condition compares, but not with a variable',
          'name it: `{ env: NAME, equals: value }`',
        ),
      )
    else if (condition.equals !== undefined && condition.matches !== undefined)
      context.addIssue(refusal('choose-one', 'a condition has both `equals` and `matches`', 'keep one of the two'))
  })
