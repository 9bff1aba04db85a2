import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { cgroupFolders } from '../../shared/system/cgroup.ts'

/**
 * How many CPUs this process may use: those of its affinity mask, or less if its cgroup or a parent has a quota. May be
 * a fraction. `root` is where /proc and /sys are.
 */
export function allowedCpus(root = '/'): number {
  const { version, folders } = cgroupFolders('cpu', root) ?? { version: 2, folders: [] }
  return Math.min(availableParallelism(), ...folders.map(version === 2 ? unifiedQuota : legacyQuota))
}

function unifiedQuota(group: string): number {
  const [quota = 'max', period = '100000'] = (readText(join(group, 'cpu.max')) ?? '').trim().split(' ')
  return cpus(Number(quota), Number(period))
}

function legacyQuota(group: string): number {
  const quota = readText(join(group, 'cpu.cfs_quota_us'))
  const period = readText(join(group, 'cpu.cfs_period_us'))
  return cpus(Number(quota ?? -1), Number(period))
}

/** No quota is `max` in version 2 and -1 in version 1. */
function cpus(quota: number, period: number): number {
  return quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
