/** How much memory the processes of a program use, from /proc (proc_pid_status(5), proc_pid_smaps(5)). */
import type { Bytes } from '../../shared/bytes.ts'
import { readProcFile } from '../../shared/system/proc-file.ts'
import type { KernelProcess } from '../group/process-table.ts'

/**
 * The pids of a program: its leader, all processes in the leader's session, and all their descendants. PostgreSQL gives
 * each of its processes its own session: only the parents show where they belong.
 */
export function membersOf(leader: number, table: readonly KernelProcess[]): readonly number[] {
  const members = new Set(
    table.filter(({ pid, session }) => pid === leader || session === leader).map(({ pid }) => pid),
  )
  // A child may come before its parent: pids are handed out in a circle.
  for (let before = -1; before < members.size; ) {
    before = members.size
    for (const { pid, parent } of table) if (members.has(parent)) members.add(pid)
  }
  return [...members]
}

/**
 * What they use, at 20 µs per process: the private memory of each, and the largest shared part once. Exact for one
 * process; for several it counts pages twice that a fork has not written to yet.
 */
export function estimatedUse(pids: readonly number[]): Bytes {
  const parts = pids.map((pid) => fields(`/proc/${pid}/status`))
  const own = parts.reduce((sum, part) => sum + (part.get('RssAnon') ?? 0), 0)
  const shared = parts.map((part) => (part.get('RssShmem') ?? 0) + (part.get('RssFile') ?? 0))
  return own + Math.max(0, ...shared)
}

/**
 * What they certainly use, measured before one is restarted: each page divided among those that map it. The kernel
 * walks all pages for this, which takes milliseconds per gigabyte. For another user's processes it requires the right
 * to trace them; without it, this is what the largest of them uses.
 */
export function certainUse(pids: readonly number[]): Bytes {
  const parts = pids.flatMap((pid) => fields(`/proc/${pid}/smaps_rollup`).get('Pss') ?? [])
  if (parts.length > 0) return parts.reduce((sum, part) => sum + part, 0)
  return Math.max(0, ...pids.map((pid) => fields(`/proc/${pid}/status`).get('VmRSS') ?? 0))
}

/** Lines `Name:   123 kB`, in bytes. */
function fields(file: string): ReadonlyMap<string, Bytes> {
  try {
    const matches = readProcFile(file).matchAll(/^(\w+):\s+(\d+) kB$/gm)
    return new Map([...matches].map(([, name = '', kibibytes]) => [name, Number(kibibytes) * 1_024]))
  } catch {
    return new Map() // it has ended meanwhile, or belongs to another user
  }
}
