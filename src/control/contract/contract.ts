/**
 * What is said over the control socket. The server sends no more than these schemas name, and the client believes no less;
 * fields that a newer server adds are passed over.
 */
import { z } from 'zod'
import { backupStatusSchema } from './backups.ts'
import { certificateStatusSchema } from './certificates.ts'

/** Where a client asks for what. */
export const paths = {
  /** For browsers, which the gateway sends here. */
  dashboard: '/dashboard/',
  status: '/v1/status',
  events: '/v1/events',
  reload: '/v1/reload',
  start: '/v1/processes/:name/start',
  renew: '/v1/certificates/:name/renew',
} as const

/** Unix time in milliseconds. */
export const time = z.number().nonnegative()
const milliseconds = z.number().nonnegative()
const pid = z.int().positive()
const port = z.int().min(1).max(65_535)
export const processStates = [
  'stopped',
  'waiting',
  'starting',
  'running',
  'parked',
  'backoff',
  'stopping',
  'exited',
  'fatal',
] as const
const processState = z.enum(processStates)
const bytes = z.number().nonnegative()

/** Another copy of a process, which does not count. */
const companion = z.object({ state: processState, pid: pid.optional(), port: port.optional() }).readonly()

/** Three facts that stay separate: whether it is wanted, its state, and whether it is ready. */
export const processStatusSchema = z
  .object({
    name: z.string(),
    kind: z.enum(['service', 'task']),
    wanted: z.boolean(),
    state: processState,
    ready: z.boolean(),
    /** These three are there while it has a process. */
    pid: pid.optional(),
    startedAt: time.optional(),
    uptime: milliseconds.optional(),
    /** On which it serves, while it has a process; with `port: auto` another one at each start. */
    port: port.optional(),
    restarts: z.int().nonnegative(),
    /** How often it failed in a row before it became ready, until it has been so for `restart.steady`; absent: never. */
    failures: z.int().positive().optional(),
    /** Processes whose condition is not met: while it is waiting or parked. */
    waitingFor: z.array(z.string()).readonly(),
    /** While it waits in vain: processes, perhaps behind those, that are down and that nobody starts again. */
    blockedBy: z.array(z.string()).readonly().optional(),
    /** How it ended last: one of the two is null. */
    exit: z.object({ code: z.int().nullable(), signal: z.string().nullable() }).readonly().optional(),
    /** Why it is in backoff, exited, fatal or parked, or runs and is not ready any more. */
    reason: z.string().optional(),
    /** With a reason: the last lines that it wrote. */
    lastOutput: z.array(z.string()).readonly().optional(),
    essential: z.boolean(),
    /** In bytes: what it held at the last look, and its fixed size or its part of what is shared. */
    memory: z.object({ used: bytes, limit: bytes.optional() }).readonly().optional(),
    /** How often the kernel killed it for memory; absent: never. */
    oomKills: z.int().positive().optional(),
    /** What is lost if it is ended early. */
    criticality: z.enum(['critical', 'important', 'rebuildable']),
    /** These two of a scheduled task. */
    schedule: z.object({ cron: z.string(), timezone: z.string().optional() }).readonly().optional(),
    nextRun: time.optional(),
    /** Of a task: its last attempt that came to an end by itself. */
    lastRun: z.object({ startedAt: time, duration: milliseconds, failed: z.boolean() }).readonly().optional(),
    /** Of a task that makes backups. */
    backup: backupStatusSchema.optional(),
    /** A rolling restart is under way: the one that is to take over; or, when it has, the one before. */
    successor: companion.optional(),
    predecessor: companion.optional(),
  })
  .readonly()

export const listenerStatusSchema = z
  .object({
    name: z.string(),
    /** `host:port` as it can be dialled. */
    address: z.string(),
    tls: z.boolean(),
  })
  .readonly()

export const statusSchema = z
  .object({
    version: z.string(),
    pid,
    startedAt: time,
    uptime: milliseconds,
    /** Absolute path of the config file. */
    config: z.string(),
    /** The end has begun. */
    /** It has claimed its place, and starts nothing yet. Absent: it has begun. */
    starting: z.boolean().optional(),
    stopping: z.boolean(),
    listeners: z.array(listenerStatusSchema).readonly(),
    /** Its threads, and those among them that answer requests. */
    gateway: z.object({ threads: z.int().nonnegative(), serving: z.int().nonnegative() }).readonly(),
    /** File descriptors of Gatehouse, all threads; absent where that is not known, the limit where there is none. */
    descriptors: z.object({ open: z.int().nonnegative(), limit: z.int().positive().optional() }).readonly().optional(),
    processes: z.array(processStatusSchema).readonly(),
    certificates: z.array(certificateStatusSchema).readonly(),
    /** What is wrong with the rest of the house, in sentences. */
    warnings: z.array(z.string()).readonly(),
  })
  .readonly()

/** The body of every answer that is not a success. */
export const failureSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

export type Status = z.infer<typeof statusSchema>
export type ProcessStatus = z.infer<typeof processStatusSchema>
export type ListenerStatus = z.infer<typeof listenerStatusSchema>
export type Failure = z.infer<typeof failureSchema>
