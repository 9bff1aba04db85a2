/** What `GET /v1/reload` says: what a reload of the file would change at this moment. */
import { z } from 'zod'

export const reloadPreviewSchema = z
  .object({
    /** Of each process that is not left as it is: a predicate, such as `restarts, because command changed`. */
    processes: z.array(z.object({ process: z.string(), words: z.string() })).readonly(),
    /** Sections of the file that differ and take effect while all goes on. */
    live: z.array(z.string()).readonly(),
    /** Sections whose change waits for the next start of Gatehouse. */
    nextStart: z.array(z.string()).readonly(),
  })
  .readonly()

export const previewRefusals = ['config-invalid'] as const

export type ReloadPreview = z.infer<typeof reloadPreviewSchema>
export type PreviewRefusal = (typeof previewRefusals)[number]
