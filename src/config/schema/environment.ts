import { z } from 'zod'
import { writable } from '../variable-file.ts'
import { derivedValueSchema } from './derived-value.ts'
import { Flaw, refusal } from './flaw.ts'
import { anyScalar, anyText, integer, scalar, text } from './scalars.ts'
import { listOf, mapping, named, variableName, variableReference } from './structures.ts'

const literal = scalar({
  expected: 'a text',
  json: anyScalar,
  read(written) {
    if (writable(written)) return written
    return new Flaw('cannot be written as a line `NAME=value`', 'give it in `set`, which is written nowhere')
  },
})

// 16 of 62 characters are 95 bits: below that a secret is none.
const random = mapping({
  random: integer('a number of characters from 16 to 1024', 16, 1024).describe('So many letters and digits by chance'),
})

/** What a file that is not there yet is to hold. */
export const createSchema = named(z.union([literal, random]), variableName)

export type NewVariables = z.output<typeof createSchema>

const fileSchema = mapping({
  path: text('the path of a file').describe('A file of lines NAME=value, relative to this file'),
  create: createSchema.describe('Written to it once, by `run`, if it is missing').optional(),
})

const names = listOf(variableReference, 'a list of variables: `[NAME]`')

export const unsetRuleSchema = mapping({
  empty: names.describe('Each of these that is empty').optional(),
  anyEmpty: names.describe('All of these if one is empty or not set').optional(),
}).superRefine(({ empty, anyEmpty }, context) => {
  if ((empty === undefined) !== (anyEmpty === undefined)) return
  context.addIssue(
    refusal('choose-one', 'a rule needs exactly one of `empty` and `anyEmpty`', 'for example `{ empty: [NAME] }`'),
  )
})

export const renamedSchema = named(variableReference, variableName).superRefine((renamed, context) => {
  for (const [old, name] of Object.entries(renamed)) {
    if (!Object.hasOwn(renamed, name)) continue
    const message = `\`${name}\` is the new name of \`${old}\`, and an old name itself`
    context.addIssue(refusal('contradiction', message, 'give the last name of the two', [old]))
  }
})

export const environmentSchema = mapping({
  // May be empty: `when` excludes a file that the first start has yet to write.
  files: z
    .array(fileSchema, { error: () => 'a list of files: `[{ path: app.env }]`' })
    .describe('Files of variables; later ones win')
    .optional(),
  renamed: renamedSchema.describe('Old names of variables, and what they are called now').optional(),
  set: named(z.union([anyText, derivedValueSchema]), variableName)
    .describe('Variables in order; each may use those before it')
    .optional(),
  unset: z
    .array(unsetRuleSchema, { error: () => 'a list of rules: `[{ empty: [NAME] }]`' })
    .describe('Variables that are taken out again after all others were read')
    .optional(),
})
