/** A real control group with a limit, beside or below our own: version 1 or 2, whatever this machine has. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { cgroupFolders } from '../../../src/shared/system/cgroup.ts'
import { type MemoryCgroup, memoryCgroup } from '../../../src/supervisor/memory/cgroup.ts'
import { layout } from './layouts.ts'

export interface RealCgroup {
  /** As Gatehouse reads it from inside. */
  readonly cgroup: MemoryCgroup
  /** A command that goes into the group and becomes `command`, with the same pid. */
  inside(command: readonly string[]): readonly string[]
}

/** Removed when the test is finished, and its processes with it. */
export function cgroupFor(limit: number): RealCgroup {
  const made = makeGroup(limit)
  if (!made) throw new Error(withoutCgroup)
  onTestFinished(() => remove(made.folder))
  return open(made)
}

interface Made {
  readonly folder: string
  readonly version: 1 | 2
}

/** Undefined if none can be created on this machine: not root, read-only, or no memory controller. */
function makeGroup(limit: number): Made | undefined {
  const found = cgroupFolders('memory')
  if (!found) return undefined
  for (const parent of found.folders) {
    const folder = join(parent, `gatehouse-test-${randomUUID()}`)
    try {
      mkdirSync(folder)
    } catch {
      continue
    }
    try {
      writeFileSync(join(folder, found.version === 1 ? 'memory.limit_in_bytes' : 'memory.max'), `${limit}`)
      // Swap would only put the end off. Where there is none, this file is missing.
      if (found.version === 2) tryWrite(join(folder, 'memory.swap.max'), '0')
      return { folder, version: found.version }
    } catch {
      // In version 2 the controller may be off below this group; perhaps it is on further up.
      rmdirSync(folder)
    }
  }
  return undefined
}

function open({ folder, version }: Made): RealCgroup {
  const type = version === 1 ? 'cgroup cgroup rw,memory' : 'cgroup2 cgroup2 rw'
  return {
    get cgroup() {
      const root = layout({
        'proc/self/cgroup': version === 1 ? '4:memory:/\n' : '0::/\n',
        'proc/self/mountinfo': `30 23 0:28 / /group rw - ${type}\n`,
      })
      symlinkSync(folder, join(root, 'group'))
      const cgroup = memoryCgroup(root)
      if (!cgroup) throw new Error('the group that was made is not found')
      return cgroup
    },
    inside: (command) => ['/bin/sh', '-c', 'echo $$ > "$0" && exec "$@"', join(folder, 'cgroup.procs'), ...command],
  }
}

/** When all in it have ended; the kernel lets a zombie stay in its group until it is reaped. */
async function remove(folder: string): Promise<void> {
  const ends = performance.now() + 10_000
  while (readFileSync(join(folder, 'cgroup.procs'), 'utf8') !== '' && performance.now() < ends) await sleep(20)
  rmdirSync(folder)
}

function tryWrite(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch {
    // The kernel counts no swap.
  }
}

/** Why the tests that need one are skipped here. */
export const withoutCgroup = 'needs a writable cgroup with the memory controller (root)'

/** Whether one can be had here. */
export function canMakeCgroup(): boolean {
  const made = makeGroup(2 ** 26)
  if (made) rmdirSync(made.folder)
  return made !== undefined
}
