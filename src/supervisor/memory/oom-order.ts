/** Whom the kernel should choose if it has to kill, faster than we can look. */
import { readFileSync, writeFileSync } from 'node:fs'

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
  adjust(pid, first)
}

/** Takes that back: what was raised without a privilege may be lowered again to what it was. */
export function spareAsOthers(pid: number): void {
  adjust(pid, ours())
}

function ours(): string {
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
