/** What a status says of the backups that a task makes. Times are Unix time in milliseconds, sizes bytes. */
import { z } from 'zod'

const amount = z.number().nonnegative()

export const backupStatusSchema = z
  .object({
    /** The newest that is complete: the name of its file, unless variables are part of it, and the size of the one before. */
    newest: z
      .object({ file: z.string().optional(), at: amount, size: amount, before: amount.optional() })
      .readonly()
      .optional(),
    /** How many there are, and what they hold together. */
    files: z.int().nonnegative(),
    size: amount,
    /** Milliseconds: how old the newest may get. */
    allowed: amount.optional(),
    overdue: z.boolean(),
    /** The newest holds less than half of what the one before does. */
    shrunk: z.boolean(),
    /** When the last attempt began, if none has succeeded since; it may be under way. */
    unfinished: amount.optional(),
    /** Why its folder cannot be read: an error's code. */
    trouble: z.string().optional(),
  })
  .readonly()

export type BackupStatus = z.infer<typeof backupStatusSchema>
