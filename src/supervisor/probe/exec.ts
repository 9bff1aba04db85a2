import { NotTried } from '../../shared/system/local-fault.ts'
import { signalGroup } from '../group/group.ts'
import { describeExit } from '../spawn/exit.ts'
import type { Program } from '../spawn/program.ts'
import { spawnGroup } from '../spawn/spawn.ts'
import type { Attempt } from './attempt.ts'

/** Ready when the command exits 0. It runs in a group of its own, which is killed as soon as the attempt is over. */
export function execAttempt(program: Program): Attempt {
  const name = program.written?.program ?? program.command[0] ?? ''
  return async (signal) => {
    // What it writes is read and dropped: only by the end of its output is every way to end told apart (wait-status.ts).
    const spawned = spawnGroup(program, 'piped')
    if ('failed' in spawned) {
      const { reason, local } = await spawned.failed
      return local ? new NotTried(`${name} ${reason}`) : reason
    }
    const { pid, exited, stdout, stderr } = spawned.child
    for (const stream of [stdout, stderr]) stream?.on('error', () => {}).resume()
    const kill = () => signalGroup(pid, 'SIGKILL')
    signal.addEventListener('abort', kill, { once: true })
    const exit = await exited
    signal.removeEventListener('abort', kill)
    kill() // whom it left behind
    for (const stream of [stdout, stderr]) stream?.destroy()
    return exit.code === 0 ? undefined : `${name} ${describeExit(exit)}`
  }
}
