import * as z from 'zod'
import { boolean, formOrVariable, regularExpression, scalar } from '../scalars.ts'
import { mapping } from '../structures.ts'

const languages = ['java', 'node', 'python'] as const

const language = scalar<(typeof languages)[number] | false>({
  expected:
    '`java`, `node`, `python`, `false`, or `{ first: ... }` with a regular expression for the first line of a record',
  words: [...languages, 'false'],
  read: (written) => (written === 'false' ? false : languages.find((one) => one === written)),
  json: formOrVariable({ enum: languages }, { const: false }),
})

/** How the output of a process is handled. */
export const outputSchema = mapping({
  multiline: z
    .union([language, mapping({ first: regularExpression.describe('Matches the first line of each record') })])
    .describe(
      'Which lines form one log record: stack traces of a language, or what follows `first`; default: `java` for a command `java`',
    )
    .optional(),
  files: boolean.describe('Whether to write it to files, if `log` has a `directory`').default(true),
})
