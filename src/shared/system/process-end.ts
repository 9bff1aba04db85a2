import { accessSync, constants } from 'node:fs'
import { pendingCalls } from './pending-calls.ts'

const shell = '/bin/sh'

/**
 * Ends the process with this code. Node would first wait for threads that a call to the system holds, however long that may be. While
 * one has not returned a shell takes the process's place and ends at once: execve(2) ends all other threads, whatever they wait for.
 * Without a shell SIGKILL remains, and with it another exit code. Main thread only.
 */
export function endProcess(code: number): void {
  if (pendingCalls() === 0 || process.platform === 'win32') process.exit(code)
  try {
    accessSync(shell, constants.X_OK)
    process.execve?.(shell, ['sh', '-c', `exit ${code}`], {})
  } catch {
    // Nobody is left to whom it could be said.
  }
  process.kill(process.pid, 'SIGKILL')
}
