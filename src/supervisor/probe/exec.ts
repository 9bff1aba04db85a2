import { NotTried } from '../../shared/system/local-fault.ts'
import { signalGroup } from '../group/group.ts'
import { describeExit } from '../spawn/exit.ts'
import type { Program } from '../spawn/program.ts'
import { spawnGroup } from '../spawn/spawn.ts'
import type { Attempt } from './attempt.ts'

/** Passes when the command exits with 0. It runs in its own group, which is killed when the attempt is over. */
export function execAttempt(program: Program): Attempt {
  const name = program.written?.program ?? program.command[0] ?? ''
  return async (signal) => {
    // Its output is read and dropped: the end of the output is needed to tell all kinds of exit apart (wait-status.ts).
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
    kill() // what it left behind
    for (const stream of [stdout, stderr]) stream?.destroy()
    return exit.code === 0 ? undefined : `${name} ${describeExit(exit)}`
  }
}
