/** Stops a process group: its stop signal, a grace period, SIGKILL. */

import { once } from 'node:events'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout, sleep } from '../../shared/time/timer.ts'
import { isGroupAlive, signalGroup } from '../group/group.ts'
import type { Run } from '../process/run.ts'
import type { Child } from '../spawn/spawn.ts'

export interface GroupStop {
  /** Whether any process was left to signal. */
  readonly signalled: boolean
  /** Resolves with true when the group is gone, or with false if some of it is still there `killWait` after SIGKILL. */
  readonly gone: Promise<boolean>
  /** How long ago the group got its stop signal. */
  signalledFor(): Milliseconds
  /** Leaves at most this much of the grace period from now on; never makes it longer. */
  shorten(grace: Milliseconds): void
  /** SIGKILL to the whole group. */
  kill(): void
}

export interface GroupStopOptions {
  readonly signal: NodeJS.Signals
  readonly grace: Milliseconds
  /** Called when the grace period is over and the group is not gone. */
  readonly graceOver: () => void
}

/** Only a process stuck in the kernel outlives SIGKILL for this long. We give up on it rather than hang. */
export const killWait: Milliseconds = 2_000

const shortestPoll: Milliseconds = 5
const longestPoll: Milliseconds = 50

/** Stops what is left of a run. `over` resolves when its group is gone, its output is read and its backup is done. */
export function stopRun(
  run: Run,
  options: GroupStopOptions,
  warn: (text: string) => void,
): { readonly stop: GroupStop; readonly over: Promise<void> } {
  const stop = stopGroup(run.child, options)
  if (run.exit && stop.signalled) warn(`left other processes in its group behind; sending ${options.signal} to them`)
  // A leader that has to be signalled had not finished its work, whatever its exit code will be.
  const exitedWell = run.exit?.code === 0
  const over = stop.gone.then(async (gone) => {
    if (!gone) warn(`still runs ${formatDuration(killWait)} after SIGKILL; it is stuck in the kernel`)
    await run.outputRead()
    await run.concludeBackup(exitedWell, stop.signalled)
  })
  const shorten = (grace: Milliseconds) => {
    stop.shorten(grace)
    run.limitBackup(grace)
  }
  return { stop: { ...stop, shorten }, over }
}

/**
 * Signals at once. The kernel does not reuse a group's id while a process is in it, nor soon afterwards, since it hands
 * out pids in a circle: so no stranger is hit.
 */
export function stopGroup(child: Pick<Child, 'pid' | 'exited'>, options: GroupStopOptions): GroupStop {
  const { signal, grace, graceOver } = options
  const givenUp = new AbortController()
  const signalled = isGroupAlive(child.pid) && signalGroup(child.pid, signal)
  const signalledAt = performance.now()
  let graceEnds = signalledAt + grace
  let timer = signalled ? setTimeout(graceOver, grace) : undefined
  let killed = false
  let over = false

  const gone = groupGone(child, givenUp.signal, () => killed).finally(() => {
    over = true
    clearTimeout(timer)
  })

  return {
    signalled,
    gone,
    signalledFor: () => performance.now() - signalledAt,
    shorten(left) {
      const now = performance.now()
      if (!signalled || killed || over || now + left >= graceEnds) return
      graceEnds = now + left
      clearTimeout(timer)
      timer = setTimeout(graceOver, left)
    },
    kill() {
      killed = true
      signalGroup(child.pid, 'SIGKILL')
      clearTimeout(timer)
      timer = setTimeout(() => givenUp.abort(), killWait)
    },
  }
}

/** What the log says when a group has used up its grace period. */
export function ignoredWords(signal: string, time: Milliseconds): string {
  return `ignored ${signal} for ${formatDuration(time)}; sending SIGKILL to its process group`
}

async function groupGone(
  { pid, exited }: Pick<Child, 'pid' | 'exited'>,
  givenUp: AbortSignal,
  isKilled: () => boolean,
): Promise<boolean> {
  await Promise.race([exited, once(givenUp, 'abort')])
  for (let pause = shortestPoll; isGroupAlive(pid); pause = Math.min(pause * 2, longestPoll)) {
    if (givenUp.aborted) return false
    if (isKilled()) signalGroup(pid, 'SIGKILL')
    await sleep(pause)
  }
  return true
}
