/** The answer to `GET /v1/reload`: what a reload of the file would change now. */
import * as z from 'zod'

export const reloadPreviewSchema = z
  .object({
    /** For each process that would change: a predicate, such as `restarts, because command changed`. */
    processes: z.array(z.object({ process: z.string(), words: z.string() })).readonly(),
    /** Changed sections of the file that a reload applies. */
    live: z.array(z.string()).readonly(),
    /** Changed sections that take effect at the next start of Gatehouse. */
    nextStart: z.array(z.string()).readonly(),
  })
  .readonly()

export const previewRefusals = ['config-invalid'] as const

export type ReloadPreview = z.infer<typeof reloadPreviewSchema>
export type PreviewRefusal = (typeof previewRefusals)[number]
