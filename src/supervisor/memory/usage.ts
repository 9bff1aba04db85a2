/** How much memory the processes of a program hold, from /proc (proc_pid_status(5), proc_pid_smaps(5)). */
import { readFileSync } from 'node:fs'
import type { Bytes } from '../../shared/bytes.ts'
import type { KernelProcess } from '../group/process-table.ts'

/**
 * The pids of a program: its leader, all in the leader's session, and all their descendants. PostgreSQL gives each of its
 * processes a session of its own: only the parents tell whose they are.
 */
export function membersOf(leader: number, table: readonly KernelProcess[]): readonly number[] {
  const members = new Set(
    table.filter(({ pid, session }) => pid === leader || session === leader).map(({ pid }) => pid),
  )
  // A child may stand before its parent: pids are handed out in a circle.
  for (let before = -1; before < members.size; ) {
    before = members.size
    for (const { pid, parent } of table) if (members.has(parent)) members.add(pid)
  }
  return [...members]
}

/**
 * What they hold, at 20 µs a process: what is each one's own, and once what they share. Exact for one process; for several
 * it counts twice what a fork has not written to yet.
 */
export function estimatedUse(pids: readonly number[]): Bytes {
  const parts = pids.map((pid) => fields(`/proc/${pid}/status`))
  const own = parts.reduce((sum, part) => sum + (part.get('RssAnon') ?? 0), 0)
  const shared = parts.map((part) => (part.get('RssShmem') ?? 0) + (part.get('RssFile') ?? 0))
  return own + Math.max(0, ...shared)
}

/**
 * What they certainly hold, for those who are about to be judged: each page divided among those who map it. The kernel walks
 * all their pages for this, milliseconds for each gigabyte. Of another user's processes it tells this only to who may trace
 * them; then it is what the largest of them holds.
 */
export function certainUse(pids: readonly number[]): Bytes {
  const parts = pids.flatMap((pid) => fields(`/proc/${pid}/smaps_rollup`).get('Pss') ?? [])
  if (parts.length > 0) return parts.reduce((sum, part) => sum + part, 0)
  return Math.max(0, ...pids.map((pid) => fields(`/proc/${pid}/status`).get('VmRSS') ?? 0))
}

/** Lines `Name:   123 kB`, in bytes. */
function fields(file: string): ReadonlyMap<string, Bytes> {
  try {
    const matches = readFileSync(file, 'latin1').matchAll(/^(\w+):\s+(\d+) kB$/gm)
    return new Map([...matches].map(([, name = '', kibibytes]) => [name, Number(kibibytes) * 1_024]))
  } catch {
    return new Map() // it ended meanwhile, or belongs to another user
  }
}
