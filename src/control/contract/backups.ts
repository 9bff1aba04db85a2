/** The backups of a task in the status. Times are Unix time in milliseconds, sizes bytes. */
import * as z from 'zod'

const amount = z.number().nonnegative()

export const backupStatusSchema = z
  .object({
    /**
     * The newest complete one: the name of its file, unless it contains variables, and the size of the previous one.
     */
    newest: z
      .object({ file: z.string().optional(), at: amount, size: amount, before: amount.optional() })
      .readonly()
      .optional(),
    /** How many there are, and their total size. */
    files: z.int().nonnegative(),
    size: amount,
    /** In milliseconds: the maximum age of the newest. */
    allowed: amount.optional(),
    overdue: z.boolean(),
    /** The newest has less than half the size of the previous one. */
    shrunk: z.boolean(),
    /** When the last attempt began, if none has succeeded since; it may be under way. */
    unfinished: amount.optional(),
    /** Why its folder cannot be read: an error code. */
    problem: z.string().optional(),
  })
  .readonly()

export type BackupStatus = z.infer<typeof backupStatusSchema>
