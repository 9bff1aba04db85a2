import { accessSync, constants } from 'node:fs'
import { pendingCalls } from './pending-calls.ts'

const shell = '/bin/sh'

/**
 * Ends the process with this code. Node would first wait for threads that are blocked in a system call, however long
 * that takes. So if there are any, the process executes a shell that exits at once: execve(2) ends all other threads.
 * Without a shell SIGKILL remains, with its own exit code. Main thread only.
 */
export function endProcess(code: number): void {
  if (pendingCalls() === 0 || process.platform === 'win32') process.exit(code)
  try {
    accessSync(shell, constants.X_OK)
    process.execve?.(shell, ['sh', '-c', `exit ${code}`], {})
  } catch {
    // Nothing can be logged any more.
  }
  process.kill(process.pid, 'SIGKILL')
}
