/** /proc and /sys as they were found in containers: the lines that matter, shortened, in a folder of its own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

export type Files = Readonly<Record<string, string>>

export function layout(files: Files): string {
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-layout-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  write(root, files)
  return root
}

export function write(root: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
}

/** A file of each group that a version 2 hierarchy shows. */
export function unified(folder: string, { max = 'max', high = 'max', current = 0, file = 0, kills = 0 } = {}): Files {
  return {
    [`${folder}/memory.max`]: `${max}\n`,
    [`${folder}/memory.high`]: `${high}\n`,
    [`${folder}/memory.current`]: `${current}\n`,
    [`${folder}/memory.stat`]: `anon 734003200\nfile ${file}\nkernel 5242880\ninactive_anon 734003200\nactive_anon 4096\ninactive_file ${file / 2}\nactive_file ${file / 2}\nslab_reclaimable 1048576\n`,
    [`${folder}/memory.events`]: `low 0\nhigh 0\nmax 74\noom ${kills}\noom_kill ${kills}\noom_group_kill 0\n`,
  }
}

export function legacy(folder: string, { limit = boundless, usage = 0, file = 0, kills = 0 } = {}): Files {
  return {
    [`${folder}/memory.limit_in_bytes`]: `${limit}\n`,
    [`${folder}/memory.usage_in_bytes`]: `${usage}\n`,
    [`${folder}/memory.stat`]: `cache ${file}\nrss 1744896\ninactive_file 0\nactive_file 0\nhierarchical_memory_limit 9223372036854771712\ntotal_cache ${file}\ntotal_inactive_file ${file / 2}\ntotal_active_file ${file / 2}\n`,
    [`${folder}/memory.oom_control`]: `oom_kill_disable 0\nunder_oom 0\noom_kill ${kills}\n`,
  }
}

/** What version 1 writes where there is no limit. */
export const boundless = 9_223_372_036_854_771_712n as unknown as number

/** Docker and Kubernetes today: version 2, and a namespace in which the container's own group is the top. */
export const namespaced: Files = {
  'proc/self/cgroup': '0::/\n',
  'proc/self/mountinfo':
    '1529 1509 0:28 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate,memory_recursiveprot\n',
}

/** A service of systemd, on a machine or in a virtual one: the whole tree can be seen. */
export const service: Files = {
  'proc/self/cgroup': '0::/system.slice/gatehouse.service\n',
  'proc/self/mountinfo':
    '24 23 0:22 / /proc rw,nosuid - proc proc rw\n35 24 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw\n',
}

/**
 * Docker with version 1: no namespace, so the host's path is shown, and the mount shows the container's own group only.
 */
export const dockerLegacy: Files = {
  'proc/self/cgroup':
    '12:cpu,cpuacct:/docker/6f2c\n9:memory:/docker/6f2c\n1:name=systemd:/docker/6f2c\n0::/system.slice/containerd.service\n',
  'proc/self/mountinfo': [
    '1001 995 0:50 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,mode=755',
    '1003 1001 0:31 /docker/6f2c /sys/fs/cgroup/systemd ro,nosuid master:11 - cgroup cgroup rw,xattr,name=systemd',
    '1008 1001 0:38 /docker/6f2c /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:17 - cgroup cgroup rw,cpu,cpuacct',
    '1012 1001 0:42 /docker/6f2c /sys/fs/cgroup/memory ro,nosuid master:21 - cgroup cgroup rw,memory',
    '',
  ].join('\n'),
}

/** Both versions at once, with the memory controller still in the first. */
export const hybrid: Files = {
  'proc/self/cgroup': '9:name=systemd:/\n4:memory:/jobs/a66d\n1:cpu:/\n0::/\n',
  'proc/self/mountinfo': [
    '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu',
    '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
    '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
    '',
  ].join('\n'),
}
