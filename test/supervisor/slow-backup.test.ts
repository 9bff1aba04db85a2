/**
 * A disk that hangs, as a network volume does whose server is gone: no file of ours can hang so, hence an attempt that
 * never ends.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import type { Attempt } from '../../src/supervisor/backups/attempt.ts'
import { Run } from '../../src/supervisor/process/run.ts'
import { spawnGroup } from '../../src/supervisor/spawn/spawn.ts'
import { stopRun } from '../../src/supervisor/stop/stop.ts'

const hung = () => new Promise<undefined>(() => {})
const deaf = { multiline: undefined, line() {}, record() {} }

/** A run that has ended with this exit code, and what is to become of its backup. */
async function ended(code: number, backup: Attempt): Promise<Run> {
  const program = { command: ['sh', '-c', `exit ${code}`], directory: '/', environment: { PATH: '/usr/bin:/bin' } }
  const spawned = spawnGroup(program, 'piped')
  if ('failed' in spawned) throw new Error((await spawned.failed).reason)
  const run = new Run(spawned.child, deaf, backup)
  await new Promise<void>((resolve) => run.watchLeader(() => resolve()))
  return run
}

function end(run: Run) {
  const never = new AbortController()
  onTestFinished(() => never.abort())
  const { stop, over } = stopRun(run, { signal: 'SIGTERM', grace: 10_000, graceOver() {} }, () => {})
  const isOver = over.then(() => true)
  return {
    stop,
    over,
    isOverWithin: (time: number) =>
      Promise.race([isOver, sleep(time, false, { signal: never.signal }).catch(() => false)]),
  }
}

it('a backup that cannot be put in its place is waited for, but no longer than a stop may take', async () => {
  const { stop, over, isOverWithin } = end(await ended(0, { keep: hung, discard: hung }))
  expect(await isOverWithin(200)).toBe(false)
  stop.shorten(50)
  await over
})

it('what a failed run wrote is not waited for when it cannot be removed: the run has failed', async () => {
  const run = await ended(1, { keep: hung, discard: hung })
  await end(run).over
  expect(run.ending).toMatchObject({ kind: 'exit', exit: { code: 1 } })
})
