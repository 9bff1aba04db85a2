/**
 * The messages of the control socket. The server sends only what these schemas name, and the client requires all of it;
 * fields that a newer server adds are ignored.
 */
import * as z from 'zod'
import { backupStatusSchema } from './backups.ts'
import { certificateStatusSchema } from './certificates.ts'

export const paths = {
  /** For browsers, by way of the gateway. */
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

/** A second copy of a process, during a rolling restart. */
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
    /** Where it listens, while it has a process; with `port: auto` a different one at each start. */
    port: port.optional(),
    restarts: z.int().nonnegative(),
    /** Failures in a row, reset when it has been ready for `restart.steady`; absent: none. */
    failures: z.int().positive().optional(),
    /** Processes whose condition is not met: while it is waiting or parked. */
    waitingFor: z.array(z.string()).readonly(),
    /** While it waits in vain: its direct or indirect dependencies that are down and will not be restarted. */
    blockedBy: z.array(z.string()).readonly().optional(),
    /** How it ended last: one of the two is null. */
    exit: z.object({ code: z.int().nullable(), signal: z.string().nullable() }).readonly().optional(),
    /** Why it is in backoff, exited, fatal or parked, or is running but no longer ready. */
    reason: z.string().optional(),
    /** With a reason: the last lines of its output. */
    lastOutput: z.array(z.string()).readonly().optional(),
    essential: z.boolean(),
    /** In bytes: its last measured use, and its fixed size or its share of the common budget. */
    memory: z.object({ used: bytes, limit: bytes.optional() }).readonly().optional(),
    /** How often the kernel killed it because it ran out of memory; absent: never. */
    oomKills: z.int().positive().optional(),
    /** What is lost if it is killed early. */
    criticality: z.enum(['critical', 'important', 'rebuildable']),
    /** These two of a scheduled task. */
    schedule: z.object({ cron: z.string(), timezone: z.string().optional() }).readonly().optional(),
    nextRun: time.optional(),
    /** Of a task: its last attempt that was not stopped. */
    lastRun: z.object({ startedAt: time, duration: milliseconds, failed: z.boolean() }).readonly().optional(),
    /** Of a task that makes backups. */
    backup: backupStatusSchema.optional(),
    /** During a rolling restart: the copy that will take over, or the one that has been replaced. */
    successor: companion.optional(),
    predecessor: companion.optional(),
  })
  .readonly()

export const listenerStatusSchema = z
  .object({
    name: z.string(),
    /** `host:port` for a client to dial. */
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
    /** It has reserved socket and ports, and starts no process yet. Absent: no longer. */
    starting: z.boolean().optional(),
    stopping: z.boolean(),
    listeners: z.array(listenerStatusSchema).readonly(),
    /** How many threads there should be, and how many answer requests. */
    gateway: z.object({ threads: z.int().nonnegative(), serving: z.int().nonnegative() }).readonly(),
    /** File descriptors of Gatehouse, all threads; absent where that is unknown, the limit if there is none. */
    descriptors: z.object({ open: z.int().nonnegative(), limit: z.int().positive().optional() }).readonly().optional(),
    processes: z.array(processStatusSchema).readonly(),
    certificates: z.array(certificateStatusSchema).readonly(),
    /** What else is wrong, as sentences. */
    warnings: z.array(z.string()).readonly(),
  })
  .readonly()

/** The body of every error. */
export const failureSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

export type Status = z.infer<typeof statusSchema>
export type ProcessStatus = z.infer<typeof processStatusSchema>
export type ListenerStatus = z.infer<typeof listenerStatusSchema>
export type Failure = z.infer<typeof failureSchema>
