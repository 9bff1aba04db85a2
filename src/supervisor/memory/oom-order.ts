/** Whom the kernel should choose if it has to kill, faster than we can look. */
import { writeFileSync } from 'node:fs'

/**
 * As if it held all of the memory there is in addition (proc_pid_oom_score_adj(5)). With less, a critical process that holds
 * most of it would still be chosen.
 */
const first = '1000'

/**
 * Makes a process, and all that it spawns from now on, the first that the kernel kills. Others stay as they are: to be
 * spared more than by default takes a privilege that containers do not have. Where it may not be done, nothing is lost.
 */
export function preferAsVictim(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, first)
  } catch {
    // It ended already, or runs as another user and we are not root.
  }
}
