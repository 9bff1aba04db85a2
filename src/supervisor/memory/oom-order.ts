/** Whom the kernel should choose if it has to kill, faster than we can look. */
import { readFileSync, writeFileSync } from 'node:fs'

/** In thousandths of the memory there is: as if it held half of it in addition (proc_pid_oom_score_adj(5)). */
const extra = 500
const most = 1_000

/**
 * Makes a process, and all that it spawns from now on, the first that the kernel kills. Others stay as they are: to be
 * spared more than by default takes a privilege that containers do not have. Where it may not be done, nothing is lost.
 */
export function preferAsVictim(pid: number): void {
  const file = `/proc/${pid}/oom_score_adj`
  try {
    writeFileSync(file, `${Math.min(Number(readFileSync(file, 'latin1')) + extra, most)}`)
  } catch {
    // It ended already, or runs as another user and we are not root.
  }
}
