/** A variable of `environment.set` derived from another variable, a URL in one, or a JSON file. */
import type * as z from 'zod'
import { customIssue } from '../invalid-value.ts'
import { anyText, choice, regularExpression, text } from '../scalars.ts'
import { listOf, mapping, variableReference } from '../structures.ts'

const sources = ['from', 'url', 'json'] as const

export const derivedValueSchema = mapping({
  from: variableReference.describe('The value of this variable').optional(),
  url: variableReference.describe('A `part` of the URL in this variable').optional(),
  part: choice(['protocol', 'hostname', 'port', 'host', 'username', 'password', 'pathname']).optional(),
  json: text('the path of a file').describe('The value of `key` in this JSON file').optional(),
  key: text('a name in the JSON file, such as `version` or `build.version`').optional(),
  before: text('a text such as `;`').describe('Keeps only what comes before this text, if it occurs').optional(),
  matches: regularExpression
    .describe('Keeps only what the first group matches; without a match there is no value')
    .optional(),
  containing: listOf(anyText, 'a list of texts: `[localhost, 127.0.0.1]`')
    .describe('Treats the value as a list and adds these items if they are missing')
    .optional(),
  join: text('a text such as `|`').describe('Treats the value as a list and joins its items with this').optional(),
  separator: text('a text such as `;`').describe('Separator of the list as found; default: `,`').optional(),
  unless: variableReference.describe('Skipped if this variable is set').optional(),
  default: anyText.describe('Used if there is no value, or an empty one').optional(),
}).superRefine((rule, context) => {
  const chosen = sources.filter((key) => rule[key] !== undefined)
  if (chosen.length !== 1)
    context.addIssue(
      customIssue(
        'choose-one',
        'a derived value needs exactly one of `from`, `url` and `json`',
        'for example `{ from: NAME }`',
      ),
    )
  if (rule.separator !== undefined && (rule.containing ?? rule.join) === undefined)
    context.addIssue(
      customIssue(
        'missing-key',
        '`separator` needs `containing` or `join`',
        'set `containing: [...]` as well, or remove it',
      ),
    )
  for (const [key, source] of [
    ['part', 'url'],
    ['key', 'json'],
  ] as const)
    if (chosen.length === 1 && (rule[key] === undefined) !== (rule[source] === undefined))
      context.addIssue(
        customIssue(
          'missing-key',
          `\`${source}\` and \`${key}\` must be given together`,
          `write \`{ ${source}: ..., ${key}: ... }\``,
        ),
      )
})

export type DerivedValue = z.output<typeof derivedValueSchema>
