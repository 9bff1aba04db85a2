import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { allowedCpus } from '../../src/app/workers/cpus.ts'

const roots: string[] = []

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true })
})

/** Both hierarchies, mounted where they usually are. */
const mounts = `
30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
33 24 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct
`

/** A folder with the files that the kernel would show under /proc and /sys. */
function machine(more: Readonly<Record<string, string>>): string {
  const files = { 'proc/self/mountinfo': mounts, ...more }
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-cpus-'))
  roots.push(root)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

describe('the CPUs that may be used', () => {
  it('are those of the affinity where no cgroup says less', () => {
    expect(allowedCpus(machine({}))).toBe(availableParallelism())
    const unlimited = { 'proc/self/cgroup': '0::/app\n', 'sys/fs/cgroup/app/cpu.max': 'max 100000\n' }
    expect(allowedCpus(machine(unlimited))).toBe(availableParallelism())
  })

  it('are the quota of version 2, of the group or of one around it', () => {
    const own = { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '50000 100000\n' }
    expect(allowedCpus(machine(own))).toBe(0.5)
    const around = {
      'proc/self/cgroup': '0::/pod/app\n',
      'sys/fs/cgroup/pod/cpu.max': '20000 100000\n',
      'sys/fs/cgroup/pod/app/cpu.max': '80000 100000\n',
    }
    expect(allowedCpus(machine(around))).toBe(0.2)
  })

  it('are the quota of version 1, also where the path of the host is not there', () => {
    const groups = '12:memory:/docker/abc\n5:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n'
    const container = {
      'proc/self/cgroup': groups,
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '25000\n',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '50000\n',
    }
    expect(allowedCpus(machine(container))).toBe(0.5)
    const none = { ...container, 'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n' }
    expect(allowedCpus(machine(none))).toBe(availableParallelism())
  })
})
