import { z } from 'zod'
import { completed, hasKnownNames } from '../../environment/new-variables.ts'
import { writable } from '../../environment/write-variables.ts'
import { customIssue, InvalidValue } from '../invalid-value.ts'
import { anyScalar, anyText, integer, scalar, text } from '../scalars.ts'
import { short } from '../shorthand.ts'
import { listOf, mapping, named, variableName, variableReference } from '../structures.ts'
import { derivedValueSchema } from './derived-value.ts'

const unwritable = new InvalidValue(
  'cannot be written as a line `NAME=value`',
  'give it in `set`, which is written nowhere',
)

const literal = scalar({
  expected: 'a text',
  json: anyScalar,
  read: (written) => (writable(written) ? written : unwritable),
})

// 16 of 62 characters are 95 bits: below that a secret is none.
const made = mapping({
  random: integer('a number of characters from 16 to 1024', 16, 1024)
    .describe('So many letters and digits by chance')
    .optional(),
  text: anyText.describe('In which `{NAME}` is another one of these').optional(),
}).superRefine(({ random, text }, context) => {
  if ((random === undefined) !== (text === undefined)) return
  context.addIssue(
    customIssue('choose-one', 'this needs exactly one of `random` and `text`', 'for example `{ random: 24 }`'),
  )
})

const unknownName = new InvalidValue(
  'has a name in braces that cannot be put in',
  'name another one of these, which is not made of others itself',
)

/** What a file that is not there yet is to hold. */
export const createSchema = named(z.union([literal, made]), variableName).superRefine((wanted, context) => {
  const values = completed(wanted, (length) => 'x'.repeat(length))
  const invalidText = (name: string, text: string) => {
    if (!hasKnownNames(text, wanted)) return unknownName
    return writable(values[name] ?? '') ? undefined : unwritable
  }
  for (const [name, value] of Object.entries(wanted)) {
    if (typeof value === 'string' || value.text === undefined) continue
    const invalid = invalidText(name, value.text)
    if (invalid)
      context.addIssue(customIssue('wrong-value', `this text ${invalid.problem}`, invalid.hint, [name, 'text']))
  }
})

const fileSchema = short(
  mapping({
    path: text('the path of a file').describe('A file of lines NAME=value, relative to this file'),
    create: createSchema.describe('Written to it once, by `run`, if it is missing').optional(),
  }),
  { key: 'path' },
)

const names = listOf(variableReference, 'a list of variables: `[NAME]`')

export const unsetRuleSchema = mapping({
  empty: names.describe('Each of these that is empty').optional(),
  anyEmpty: names.describe('All of these if one is empty or not set').optional(),
}).superRefine(({ empty, anyEmpty }, context) => {
  if ((empty === undefined) !== (anyEmpty === undefined)) return
  context.addIssue(
    customIssue('choose-one', 'a rule needs exactly one of `empty` and `anyEmpty`', 'for example `{ empty: [NAME] }`'),
  )
})

export const renamedSchema = named(variableReference, variableName).superRefine((renamed, context) => {
  for (const [old, name] of Object.entries(renamed)) {
    if (!Object.hasOwn(renamed, name)) continue
    const message = `\`${name}\` is the new name of \`${old}\`, and an old name itself`
    context.addIssue(customIssue('contradiction', message, 'give the last name of the two', [old]))
  }
})

// May be empty: `when` excludes a file that the first start has yet to write.
export const filesSchema = z.array(fileSchema, { error: () => 'a list of files: `[app.env]`' })

export const unsetSchema = z.array(unsetRuleSchema, { error: () => 'a list of rules: `[{ empty: [NAME] }]`' })

const environmentShape = {
  files: filesSchema.describe('Files of variables; later ones win').optional(),
  set: named(z.union([anyText, derivedValueSchema]), variableName)
    .describe('Variables in order; each may use those before it')
    .optional(),
  renamed: renamedSchema.describe('Old names of variables, and what they are called now').optional(),
  unset: unsetSchema.describe('Variables that are taken out again after all others were read').optional(),
}

export const environmentSchema = mapping(environmentShape)

const namePattern = scalar({
  expected: 'the name of a variable, in which `*` stands for any characters',
  read: (written) => (/^[A-Za-z_*][A-Za-z0-9_*]*$/.test(written) ? written : undefined),
})

export const processEnvironmentSchema = mapping({
  ...environmentShape,
  // May be empty: such a process gets nothing but what all programs need.
  only: z
    .array(namePattern, { error: () => 'a list of names and patterns: `[APP_*]`' })
    .describe(
      'Of what all see it gets these alone, besides PATH, HOME, LANG and their like; a change of others does not restart it',
    )
    .optional(),
})
