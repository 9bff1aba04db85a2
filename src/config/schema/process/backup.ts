/** What a task makes a backup of the data into, and how old the newest may get. */
import type { z } from 'zod'
import { InvalidValue } from '../invalid-value.ts'
import { formOrVariable, integer, positiveDuration, scalar } from '../scalars.ts'
import { mapping } from '../structures.ts'

const example = 'one `*` in the name of the file stands for the time: `/data/backup/app-*.dump`'

const files = scalar({
  expected: 'the path of files such as `/data/backup/app-*.dump`',
  json: formOrVariable({ type: 'string', pattern: '^[^*]*\\*[^*/]*$' }),
  read(written) {
    const slash = written.lastIndexOf('/')
    const [folder, name] = [written.slice(0, slash + 1), written.slice(slash + 1)]
    const stars = written.split('*').length - 1
    if (stars === 0) return new InvalidValue('has no `*`: each backup needs a name of its own', example)
    if (stars > 1 || folder.includes('*')) return new InvalidValue('has a `*` too many', example)
    // `keep` deletes what it takes for a backup.
    if (name === '*') return new InvalidValue('would take every file of its folder for a backup', example)
    return written
  },
})

export const backupSchema = mapping({
  files: files.describe(
    'Where its backups lie; `*` is what differs. With `{backup}` in the command Gatehouse names each by its time',
  ),
  keep: integer('a number from 1 on', 1, 1_000_000)
    .describe('After a success the newest so many stay, and older ones are deleted; default: none is deleted')
    .optional(),
  overdue: positiveDuration
    .describe('How old the newest may get; default: the longest pause of its schedule and a twelfth more')
    .optional(),
})

export type BackupConfig = z.output<typeof backupSchema>
