/** What `POST /v1/processes/NAME/start` says; a refusal is a failure with one of its codes. */
import { z } from 'zod'

/** 202 if the client does not wait for the end, else 200 with how it ended. */
export const runSchema = z
  .object({
    process: z.string(),
    /** `started`: nobody waits for its end. `ready`: of a service. `stopped`: somebody ended it before it was through. */
    outcome: z.enum(['started', 'ready', 'completed', 'failed', 'stopped']),
    /** With which the last attempt is passed on: 0 if all is well. */
    exitCode: z.int().optional(),
    /** Milliseconds, retries included. */
    duration: z.number().nonnegative().optional(),
    reason: z.string().optional(),
  })
  .readonly()

export const refusals = ['unknown-process', 'busy', 'not-met', 'stopping'] as const

export type RunReport = z.infer<typeof runSchema>
export type Refusal = (typeof refusals)[number]
