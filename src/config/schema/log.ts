import { customIssue } from './invalid-value.ts'
import { byteSize, choice, integer, text } from './scalars.ts'
import { mapping } from './structures.ts'

const rotateSchema = mapping({
  size: byteSize.describe('Size at which a file is rotated').prefault('10MB'),
  keep: integer('a number from 1 to 1000', 1, 1_000).describe('How many rotated files to keep, compressed').default(10),
})

/** The log of everything on stdout, and files with what each program wrote. */
export const logSchema = mapping({
  level: choice(['debug', 'info', 'warn', 'error']).prefault('info'),
  format: choice(['auto', 'json', 'text']).describe('`auto`: text on a terminal, JSON elsewhere').prefault('auto'),
  directory: text('the path of a folder')
    .describe('Also writes process output to `<directory>/<process>/<hostname>-stdout.log` and `-stderr.log`')
    .optional(),
  rotate: rotateSchema.optional(),
}).superRefine(({ directory, rotate }, context) => {
  if (rotate && directory === undefined)
    context.addIssue(
      customIssue(
        'contradiction',
        '`rotate` has no effect without `directory`',
        'set `directory` to a folder for log files, or remove `rotate`',
        ['rotate'],
      ),
    )
})

export const rotateDefaults = rotateSchema.parse({})
