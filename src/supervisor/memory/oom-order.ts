/** Which process the kernel should kill if memory runs out faster than we can react. */
import { readFileSync, writeFileSync } from 'node:fs'

/**
 * As if it used all memory in addition (proc_pid_oom_score_adj(5)). With less, a critical process that uses most of the
 * memory would still be chosen.
 */
const highestScore = '1000'

/**
 * Makes a process, and all that it spawns from now on, the first that the kernel kills. Others stay as they are: to
 * protect them more than by default takes a privilege that containers lack. Does nothing where it is not permitted.
 */
export function preferAsVictim(pid: number): void {
  adjust(pid, highestScore)
}

/** Takes that back: a score that was raised without a privilege may be lowered to its old value. */
export function restoreOomScore(pid: number): void {
  adjust(pid, ownScore())
}

function ownScore(): string {
  try {
    return readFileSync('/proc/self/oom_score_adj', 'latin1').trim()
  } catch {
    return '0'
  }
}

function adjust(pid: number, score: string): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, score)
  } catch {
    // It ended already, or runs as another user and we are not root.
  }
}
