import * as z from 'zod'
import { generateVariables, hasKnownNames } from '../../environment/new-variables.ts'
import { writable } from '../../environment/write-variables.ts'
import { customIssue, InvalidValue } from '../invalid-value.ts'
import { anyScalar, anyText, integer, scalar, text } from '../scalars.ts'
import { short } from '../shorthand.ts'
import { listOf, mapping, named, variableName, variableReference } from '../structures.ts'
import { derivedValueSchema } from './derived-value.ts'

const unwritable = new InvalidValue(
  'cannot be written as a line `NAME=value`',
  'put it in `set`, which is not written to a file',
)

const literal = scalar({
  expected: 'a text',
  json: anyScalar,
  read: (written) => (writable(written) ? written : unwritable),
})

// 16 of 62 characters are 95 bits: less is too weak for a secret.
const generated = mapping({
  random: integer('a number of characters from 16 to 1024', 16, 1024)
    .describe('Generates this many random letters and digits')
    .optional(),
  text: anyText.describe('A text in which `{NAME}` stands for another of these variables').optional(),
}).superRefine(({ random, text }, context) => {
  if ((random === undefined) !== (text === undefined)) return
  context.addIssue(
    customIssue('choose-one', 'this needs exactly one of `random` and `text`', 'for example `{ random: 24 }`'),
  )
})

const unknownName = new InvalidValue(
  'has a name in braces that cannot be resolved',
  'name another of these variables, one that is not a `text` itself',
)

/** The variables of a file that does not exist yet. */
export const createSchema = named(z.union([literal, generated]), variableName).superRefine((wanted, context) => {
  const values = generateVariables(wanted, (length) => 'x'.repeat(length))
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
    path: text('the path of a file').describe('A file with lines NAME=value; relative to this file'),
    create: createSchema.describe('Variables that `run` writes to it if it does not exist').optional(),
  }),
  { key: 'path' },
)

const names = listOf(variableReference, 'a list of variables: `[NAME]`')

export const unsetRuleSchema = mapping({
  empty: names.describe('Unsets each of these that is empty').optional(),
  anyEmpty: names.describe('Unsets all of these if any is empty or not set').optional(),
}).superRefine(({ empty, anyEmpty }, context) => {
  if ((empty === undefined) !== (anyEmpty === undefined)) return
  context.addIssue(
    customIssue('choose-one', 'a rule needs exactly one of `empty` and `anyEmpty`', 'for example `{ empty: [NAME] }`'),
  )
})

export const renamedSchema = named(variableReference, variableName).superRefine((renamed, context) => {
  for (const [old, name] of Object.entries(renamed)) {
    if (!Object.hasOwn(renamed, name)) continue
    const message = `\`${name}\` is the new name of \`${old}\`, but is itself an old name`
    context.addIssue(customIssue('contradiction', message, 'write the newest name', [old]))
  }
})

// May be empty: `when` may exclude a file that does not exist until the first start.
export const filesSchema = z.array(fileSchema, { error: () => 'a list of files: `[app.env]`' })

export const unsetSchema = z.array(unsetRuleSchema, { error: () => 'a list of rules: `[{ empty: [NAME] }]`' })

const environmentShape = {
  files: filesSchema.describe('Environment files; later ones win').optional(),
  set: named(z.union([anyText, derivedValueSchema]), variableName)
    .describe('Variables in order; each may use those before it')
    .optional(),
  renamed: renamedSchema.describe('Old variable names and their new names').optional(),
  unset: unsetSchema.describe('Variables to remove after all others are read').optional(),
}

export const environmentSchema = mapping(environmentShape)

const namePattern = scalar({
  expected: 'the name of a variable, in which `*` matches any characters',
  read: (written) => (/^[A-Za-z_*][A-Za-z0-9_*]*$/.test(written) ? written : undefined),
})

export const processEnvironmentSchema = mapping({
  ...environmentShape,
  // May be empty: then the process gets only what all programs need.
  only: z
    .array(namePattern, { error: () => 'a list of names and patterns: `[APP_*]`' })
    .describe(
      'The only shared variables it gets, besides PATH, HOME, LANG and the like; changes to others do not restart it',
    )
    .optional(),
})
