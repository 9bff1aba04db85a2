/**
 * The file of running groups, by which the next Gatehouse finds them if this one is killed. A pid alone may belong to
 * another process by then; together with its start time, the boot and the PID namespace it identifies the process.
 */
import { closeSync, constants as fileConstants, fstatSync, openSync, readFileSync, readlinkSync } from 'node:fs'
import { constants } from 'node:os'
import * as z from 'zod'
import { messageOf } from '../../shared/errors.ts'
import { kernelProcess } from '../group/process-table.ts'

const longestTimer = 2_147_483_647

const groupSchema = z.strictObject({
  process: z.string(),
  /** The pid of the leader, which is the id of the group. Never 1, nor a number that means "all" to kill(2). */
  pid: z.int().min(2).max(4_194_304),
  /** When the leader was forked, in the kernel's ticks since it booted. */
  started: z.number().nonnegative(),
  /** The id of the run that it belongs to, as in its environment. */
  run: z.string().min(1),
  signal: z.string().refine((text) => text in constants.signals),
  grace: z.number().min(0).max(longestTimer),
})

const recordSchema = z.strictObject({
  version: z.literal(1),
  boot: z.string(),
  pidNamespace: z.string(),
  /** The Gatehouse that wrote it. Absent in what an earlier version wrote. */
  gatehouse: z.strictObject({ pid: z.int().min(1), started: z.number().nonnegative() }).optional(),
  groups: z.array(groupSchema),
})

export type GroupRecord = z.output<typeof groupSchema>

/**
 * The boot and the namespace in which pids are valid. Undefined where there is no /proc: nothing can be identified
 * there.
 */
export function place(): { readonly boot: string; readonly pidNamespace: string } | undefined {
  try {
    return {
      boot: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
      pidNamespace: readlinkSync('/proc/self/ns/pid'),
    }
  } catch {
    return undefined
  }
}

export type Reading =
  | { readonly groups: readonly GroupRecord[] }
  /** The file exists but is not trusted, for this reason. */
  | { readonly refused: string }

/** A file of another boot or namespace (the container was restarted) has no group that could still run. */
export function readRecord(path: string): Reading {
  let file: number | undefined
  try {
    // Anyone who could write here, or place a link, could make us kill any process.
    file = openSync(path, fileConstants.O_RDONLY | fileConstants.O_NOFOLLOW | fileConstants.O_NONBLOCK)
    const { uid, mode } = fstatSync(file)
    if (!fstatSync(file).isFile()) return { refused: 'it is not a regular file' }
    if (uid !== process.geteuid?.()) return { refused: `it belongs to uid ${uid}` }
    if ((mode & 0o022) !== 0) return { refused: 'others may write to it' }
    const { boot, pidNamespace, gatehouse, groups } = recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    const here = place()
    if (here?.boot !== boot || here.pidNamespace !== pidNamespace) return { groups: [] }
    if (gatehouse && gatehouse.pid !== process.pid && kernelProcess(gatehouse.pid)?.started === gatehouse.started)
      return { refused: `the Gatehouse that wrote it still runs (pid ${gatehouse.pid})` }
    return { groups }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { groups: [] }
    if (error instanceof z.ZodError || error instanceof SyntaxError)
      return { refused: 'it is not in the format that Gatehouse writes' }
    return { refused: messageOf(error) }
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

export function writtenRecord(groups: readonly GroupRecord[]): string {
  const { pid } = process
  const started = kernelProcess(pid)?.started
  const gatehouse = started === undefined ? {} : { gatehouse: { pid, started } }
  return `${JSON.stringify({ version: 1, ...place(), ...gatehouse, groups })}\n`
}
