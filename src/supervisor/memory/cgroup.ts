/** The memory controller's view of the container: limits, usage, and OOM kills. Versions 1 and 2. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bytes } from '../../shared/bytes.ts'
import { cgroupFolders } from '../../shared/system/cgroup.ts'

export interface MemoryCgroup {
  /** The smallest limit of the group and its ancestors now: it may change while we run. */
  limit(): Bytes | undefined
  /** Of the groups with a limit, the one with the smallest part of it left. */
  tightest(): MemoryLevel | undefined
  /** How many processes of the group the kernel has killed for memory so far; undefined: not known. */
  oomKills(): number | undefined
}

export interface MemoryLevel {
  readonly limit: Bytes
  /** What can be freed only by killing or swapping out a process. */
  readonly held: Bytes
}

interface Files {
  readonly limits: readonly string[]
  readonly usage: string
  /** Lines of memory.stat: what the kernel reclaims by itself before it kills. */
  readonly reclaimable: readonly string[]
  readonly oom: string
}

/**
 * Above memory.high the kernel throttles processes almost to a halt, so it counts as a limit, too. In version 1 the
 * `total_` lines include the groups below, as the usage does.
 */
const filesOf: Readonly<Record<1 | 2, Files>> = {
  1: {
    limits: ['memory.limit_in_bytes'],
    usage: 'memory.usage_in_bytes',
    reclaimable: ['total_inactive_file', 'total_active_file'],
    oom: 'memory.oom_control',
  },
  2: {
    limits: ['memory.max', 'memory.high'],
    usage: 'memory.current',
    reclaimable: ['inactive_file', 'active_file', 'slab_reclaimable'],
    oom: 'memory.events',
  },
}

/** In version 1, "no limit" is the largest number of whole pages; no machine has this much. */
const unlimited: Bytes = 2 ** 60

/** The group of Gatehouse and its children. `root`: the folder of /proc and /sys. */
export function memoryCgroup(root = '/'): MemoryCgroup | undefined {
  const found = cgroupFolders('memory', root)
  const [own] = found?.folders ?? []
  if (!found || own === undefined) return undefined
  const { folders } = found
  const files = filesOf[found.version]
  return {
    limit() {
      const limits = folders.flatMap((folder) => limitOf(folder, files) ?? [])
      return limits.length === 0 ? undefined : Math.min(...limits)
    },
    tightest() {
      const levels = folders.flatMap((folder) => levelOf(folder, files) ?? [])
      return levels.sort((a, b) => b.held / b.limit - a.held / a.limit)[0]
    },
    oomKills: () => keyed(join(own, files.oom)).get('oom_kill'),
  }
}

function levelOf(folder: string, files: Files): MemoryLevel | undefined {
  const limit = limitOf(folder, files)
  const usage = numberIn(join(folder, files.usage))
  if (limit === undefined || usage === undefined) return undefined
  const stat = keyed(join(folder, 'memory.stat'))
  const reclaimable = files.reclaimable.reduce((sum, key) => sum + (stat.get(key) ?? 0), 0)
  return { limit, held: Math.max(0, usage - reclaimable) }
}

function limitOf(folder: string, { limits }: Files): Bytes | undefined {
  const found = limits.map((file) => numberIn(join(folder, file)) ?? unlimited)
  const least = Math.min(...found)
  return least < unlimited ? least : undefined
}

/** Undefined for `max`, and if the file cannot be read. */
function numberIn(file: string): number | undefined {
  const text = textOf(file).trim()
  return /^\d+$/.test(text) ? Number(text) : undefined
}

/** Files of lines `key value`. */
function keyed(file: string): ReadonlyMap<string, number> {
  const pairs = textOf(file)
    .split('\n')
    .map((line) => line.split(' '))
  return new Map(pairs.flatMap(([key = '', value]) => (value === undefined ? [] : [[key, Number(value)] as const])))
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
