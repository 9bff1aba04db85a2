/**
 * What is known on disk of the groups that run, so that the next Gatehouse finds them if this one is killed. A pid alone says
 * little: it may be another's by then. With its start time, on the same boot and in the same namespace, it is the process.
 */
import { closeSync, constants as fileConstants, fstatSync, openSync, readFileSync, readlinkSync } from 'node:fs'
import { constants } from 'node:os'
import { z } from 'zod'
import { messageOf } from '../../shared/errors.ts'
import { kernelProcess } from '../group/process-table.ts'

const longestTimer = 2_147_483_647

const groupSchema = z.strictObject({
  process: z.string(),
  /** Of the leader, and the id of the group; 1 and what would mean "all" to kill(2) are no one's. */
  pid: z.int().min(2).max(4_194_304),
  /** When the leader was forked, in the kernel's ticks since it booted. */
  started: z.number().nonnegative(),
  /** What its environment says of the run that it belongs to. */
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

/** Where a pid means what it says. Undefined where there is no /proc: nothing can be told apart then. */
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
  /** It is there and is not believed, for this reason. */
  | { readonly refused: string }

/** A file of another boot or namespace (the container was started anew) holds nothing that could still run. */
export function readRecord(path: string): Reading {
  let file: number | undefined
  try {
    // Whoever could write here, or lay a link, could have us kill whom they like.
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
