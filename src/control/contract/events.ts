/** The answer to `GET /v1/events`: one JSON object a line, the first one a snapshot unless the client is up to date. */
import * as z from 'zod'
import { processStatusSchema, time } from './contract.ts'

/** Types of events that a client does not know have the first five fields, too. */
export const eventSchema = z
  .object({
    /** Grows with every event, also over restarts of Gatehouse. */
    id: z.int(),
    at: time,
    type: z.string(),
    process: z.string(),
    /** What happened, as a predicate: `is ready`. */
    message: z.string(),
    from: z.string().optional(),
    to: z.string().optional(),
    wasReady: z.boolean().optional(),
    ready: z.boolean().optional(),
    failed: z.boolean().optional(),
    reason: z.string().optional(),
    pid: z.number().optional(),
    /** `successor` or `predecessor` in a rolling restart; absent: the process itself. */
    role: z.string().optional(),
    exitCode: z.int().optional(),
    due: time.optional(),
  })
  .readonly()

/** The state right after the event with this id. */
export const snapshotSchema = z
  .object({
    type: z.literal('snapshot'),
    id: z.int(),
    at: time,
    processes: z.array(processStatusSchema).readonly(),
  })
  .readonly()

/**
 * The last line of a stream that the server ends. A client that reconnects soon, with the last id as `since`, loses
 * nothing.
 */
export const cutSchema = z
  .object({
    type: z.literal('cut'),
    message: z.string(),
  })
  .readonly()

export type ControlEvent = z.infer<typeof eventSchema>
export type Snapshot = z.infer<typeof snapshotSchema>
export type Cut = z.infer<typeof cutSchema>
