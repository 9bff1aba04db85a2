import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * How many CPUs this process may use: those it may be scheduled on, or less where its cgroup, or one around it, has a
 * quota. May be a fraction. `root` is where /proc and /sys are.
 */
export function allowedCpus(root = '/'): number {
  const groups = readText(join(root, 'proc/self/cgroup')) ?? ''
  const quotas = groups.split('\n').flatMap((line) => quotasOf(root, line))
  return Math.min(availableParallelism(), ...quotas)
}

/** `line` is `hierarchy:controllers:path` (cgroups(7)); version 2 is the one without controllers. */
function quotasOf(root: string, line: string): number[] {
  const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
  if (controllers === undefined || path === undefined) return []
  if (controllers === '') return upwards(path).map((group) => unifiedQuota(join(root, 'sys/fs/cgroup', group)))
  if (!controllers.split(',').includes('cpu')) return []
  return upwards(path).map((group) => legacyQuota(join(root, 'sys/fs/cgroup/cpu', group)))
}

/**
 * The group and all around it: the tightest quota holds. A container without a cgroup namespace sees the host's path, which
 * does not exist in its own mount; its own group is then the top of that mount, which is the last one here.
 */
function upwards(path: string): string[] {
  return path === '/' ? ['/'] : [path, ...upwards(dirname(path))]
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
