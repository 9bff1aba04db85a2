/** The answer to `POST /v1/processes/NAME/start`; a refusal is an error with one of its codes. */
import * as z from 'zod'

/** 202 if the client does not wait, else 200 with the outcome. */
export const runSchema = z
  .object({
    process: z.string(),
    /** `started`: without waiting. `ready`: of a service. `stopped`: before it was ready or had completed. */
    outcome: z.enum(['started', 'ready', 'completed', 'failed', 'stopped']),
    /** For the client to exit with, from the last attempt: 0 if it succeeded. */
    exitCode: z.int().optional(),
    /** Milliseconds, retries included. */
    duration: z.number().nonnegative().optional(),
    reason: z.string().optional(),
  })
  .readonly()

export const refusals = ['unknown-process', 'busy', 'not-met', 'stopping'] as const

export type RunReport = z.infer<typeof runSchema>
export type Refusal = (typeof refusals)[number]
