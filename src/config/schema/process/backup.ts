/** Where a task's backups are, how many to keep and how old the newest may get. */
import type * as z from 'zod'
import { InvalidValue } from '../invalid-value.ts'
import { formOrVariable, integer, positiveDuration, scalar } from '../scalars.ts'
import { mapping } from '../structures.ts'

const example = 'write one `*` in the file name, for the time: `/data/backup/app-*.dump`'

const files = scalar({
  expected: 'the path of files such as `/data/backup/app-*.dump`',
  json: formOrVariable({ type: 'string', pattern: '^[^*]*\\*[^*/]*$' }),
  read(written) {
    const slash = written.lastIndexOf('/')
    const [folder, name] = [written.slice(0, slash + 1), written.slice(slash + 1)]
    const stars = written.split('*').length - 1
    if (stars === 0) return new InvalidValue('has no `*`: each backup needs a name of its own', example)
    if (stars > 1 || folder.includes('*')) return new InvalidValue('has more than one `*`, or one in a folder', example)
    // `keep` deletes older backups.
    if (name === '*') return new InvalidValue('would treat every file in its folder as a backup', example)
    return written
  },
})

export const backupSchema = mapping({
  files: files.describe(
    'Path of its backups; `*` matches what differs. With `{backup}` in the command, Gatehouse names each by its time',
  ),
  keep: integer('a number of 1 or more', 1, 1_000_000)
    .describe('How many of the newest backups to keep after a success; default: all')
    .optional(),
  overdue: positiveDuration
    .describe('How old the newest may get; default: the longest interval of its schedule plus a twelfth')
    .optional(),
})

export type BackupConfig = z.output<typeof backupSchema>
