/**
 * How long a process could have run and was not let: other programs had the CPU. A test that bounds how long something
 * takes subtracts it, or else it judges the machine.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** Milliseconds, of the one thread that waited longest, since this was made. Linux; 0 elsewhere. */
export function starvationOf(pid: number): () => number {
  const before = waits(pid)
  return () => Math.max(0, ...[...waits(pid)].map(([thread, wait]) => wait - (before.get(thread) ?? 0)))
}

/** Thread → nanoseconds on the run queue (schedstat, its second number), in milliseconds. */
function waits(pid: number): Map<string, number> {
  const found = new Map<string, number>()
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [, wait] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
      found.set(thread, Number(wait) / 1e6)
    }
  } catch {
    // A thread that ended meanwhile, or a kernel that does not count.
  }
  return found
}
