/** The ladder by which a process group is ended: its stop signal, a grace, SIGKILL. */

import { once } from 'node:events'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout, sleep } from '../../shared/time/timer.ts'
import { isGroupAlive, signalGroup } from '../group/group.ts'
import type { Run } from '../process/run.ts'
import type { Child } from '../spawn/spawn.ts'

export interface Ladder {
  /** Whether there was anyone left to be signalled. */
  readonly signalled: boolean
  /** Resolves when nobody is left: true, or false if the kernel did not end them within `killWait` of SIGKILL. */
  readonly gone: Promise<boolean>
  /** How long ago the group got its stop signal. */
  signalledFor(): Milliseconds
  /** Leaves at most this much of the grace period from now on; never makes it longer. */
  shorten(grace: Milliseconds): void
  /** SIGKILL to the whole group. */
  kill(): void
}

export interface LadderOptions {
  readonly signal: NodeJS.Signals
  readonly grace: Milliseconds
  /** Called once the grace is over and somebody is left. */
  readonly graceOver: () => void
}

/** Only a process stuck in the kernel outlives SIGKILL for so long. We then go on without it rather than hang. */
export const killWait: Milliseconds = 2_000

const shortestLook: Milliseconds = 5
const longestLook: Milliseconds = 50

/** Ends what is left of a run: its group, then its output; `over` resolves when nothing more comes of it. */
export function endRun(
  run: Run,
  options: LadderOptions,
  remark: (text: string) => void,
): { readonly ladder: Ladder; readonly over: Promise<void> } {
  const ladder = climbDown(run.child, options)
  if (run.exit && ladder.signalled)
    remark(`left other processes in its group behind; sending ${options.signal} to them`)
  // What still runs is told to stop: however it takes that, it was not through. Nor were those whom it left behind.
  const exitedWell = run.exit?.code === 0
  const over = ladder.gone.then(async (gone) => {
    if (!gone) remark(`still runs ${formatDuration(killWait)} after SIGKILL; it is stuck in the kernel`)
    await run.outputRead()
    await run.concludeBackup(exitedWell, ladder.signalled)
  })
  const shorten = (grace: Milliseconds) => {
    ladder.shorten(grace)
    run.hurryBackup(grace)
  }
  return { ladder: { ...ladder, shorten }, over }
}

/**
 * Starts at once. Group ids are not used again while anyone is in the group, and afterwards not soon, since the
 * kernel hands out pids in a circle: so no stranger is hit.
 */
export function climbDown(child: Pick<Child, 'pid' | 'exited'>, options: LadderOptions): Ladder {
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
  for (let look = shortestLook; isGroupAlive(pid); look = Math.min(look * 2, longestLook)) {
    if (givenUp.aborted) return false
    if (isKilled()) signalGroup(pid, 'SIGKILL')
    await sleep(look)
  }
  return true
}
