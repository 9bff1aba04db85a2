import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { createFolderLock, type FolderLock, type Lock } from '../../src/certificates/lock.ts'
import { temporaryFolder } from './fixture.ts'

const times = { heartbeat: 50, stale: 400 }

async function taken(lock: FolderLock): Promise<Lock> {
  const held = await lock.take()
  if (!held) throw new Error('somebody else holds it')
  onTestFinished(() => held.release())
  return held
}

/** A holder in a process of its own, with a way to ask it. */
async function holder(folder: string) {
  const words = [join(import.meta.dirname, 'lock-holder.ts'), folder, String(times.heartbeat), String(times.stale)]
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const lines = createInterface({ input: child.stdout })
  const nextLine = async () => String((await once(lines, 'line'))[0])
  expect(await nextLine()).toBe('held')
  return {
    signal: (name: NodeJS.Signals) => child.kill(name),
    stillHolds() {
      child.stdin.write('\n')
      return nextLine()
    },
  }
}

test('one of many who come at once gets it, and the next one after its release', async () => {
  const folder = await temporaryFolder()
  const all = await Promise.all(Array.from({ length: 20 }, () => createFolderLock(folder, times).take()))
  const [winner, ...others] = all.filter((one) => one !== undefined)
  expect(others).toEqual([])
  expect(await winner?.stillHeld()).toBe(true)
  await winner?.release()
  await taken(createFolderLock(folder, times))
  expect(await readdir(folder)).toEqual(['lock'])
})

test('a lock that is touched all the time is never taken over', async () => {
  const folder = await temporaryFolder()
  const held = await taken(createFolderLock(folder, times))
  const other = createFolderLock(folder, times)
  const end = performance.now() + 3 * times.stale
  await expect
    .poll(async () => [await other.take(), performance.now() > end], { timeout: 5_000 })
    .toEqual([undefined, true])
  expect(await held.stillHeld()).toBe(true)
})

test('of several who find a stale lock one takes it over', async () => {
  for (let round = 0; round < 5; round += 1) {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'lock'), 'another-host 1 dead\n')
    const rivals = Array.from({ length: 8 }, () => createFolderLock(folder, times))
    const winners: Lock[] = []
    const tryAll = async () => {
      const found = await Promise.all(rivals.map((rival) => rival.take()))
      winners.push(...found.filter((one) => one !== undefined))
      return winners.length
    }
    await expect.poll(tryAll, { interval: 20, timeout: 5_000 }).toBeGreaterThan(0)
    const holding = await Promise.all(winners.map((one) => one.stillHeld()))
    expect(holding.filter(Boolean)).toHaveLength(1)
    expect(await readdir(folder)).toEqual(['lock'])
    await Promise.all(winners.map((one) => one.release()))
    expect(await readdir(folder)).toEqual([])
  }
})

test('the lock of a killed holder is taken over', async () => {
  const folder = await temporaryFolder()
  const dead = await holder(folder)
  const lock = createFolderLock(folder, times)
  expect(await lock.take()).toBeUndefined()
  dead.signal('SIGKILL')
  await expect.poll(async () => (await lock.take()) !== undefined, { timeout: 5_000 }).toBe(true)
})

test('a holder that was stopped and comes back notices that it lost the lock, and leaves it alone', async () => {
  const folder = await temporaryFolder()
  const sleeper = await holder(folder)
  expect(await sleeper.stillHolds()).toBe('true')
  sleeper.signal('SIGSTOP')
  const lock = createFolderLock(folder, times)
  let held: Lock | undefined
  await expect
    .poll(
      async () => {
        held = await lock.take()
        return held !== undefined
      },
      { timeout: 5_000 },
    )
    .toBe(true)
  sleeper.signal('SIGCONT')
  expect(await sleeper.stillHolds()).toBe('false')
  expect(await held?.stillHeld()).toBe(true)
  await held?.release()
})

test('a lock that cannot be read, as one of another user who died, is not waited for without end', async () => {
  const folder = await temporaryFolder()
  // Root can read files of any mode; this cannot be read by any user.
  await symlink('nowhere', join(folder, 'lock'))
  const door = createFolderLock(folder, times)
  await expect
    .poll(() => door.take().then((lock) => lock?.release().then(() => 'taken')), { timeout: 5_000 })
    .toBe('taken')
  expect(await readdir(folder)).toEqual([])
})
