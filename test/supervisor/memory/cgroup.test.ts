import { describe, expect, it } from 'vitest'
import { memoryCgroup } from '../../../src/supervisor/memory/cgroup.ts'
import { boundless, dockerLegacy, hybrid, layout, legacy, namespaced, service, unified, write } from './layouts.ts'

const mib = 2 ** 20

describe('the memory that a container may use', () => {
  it('is its own limit, in a namespace of version 2', () => {
    const root = layout({ ...namespaced, ...unified('sys/fs/cgroup', { max: `${2048 * mib}` }) })
    expect(memoryCgroup(root)?.limit()).toBe(2048 * mib)
  })

  it('is the smallest limit of all groups around it', () => {
    const top = 'sys/fs/cgroup'
    const root = layout({
      ...service,
      ...unified(`${top}/system.slice/gatehouse.service`, { max: `${4096 * mib}` }),
      ...unified(`${top}/system.slice`, { max: `${1024 * mib}` }),
    })
    expect(memoryCgroup(root)?.limit()).toBe(1024 * mib)
    write(root, unified(`${top}/system.slice`))
    expect(memoryCgroup(root)?.limit()).toBe(4096 * mib)
  })

  it('ends at memory.high, where the kernel slows processes down', () => {
    const root = layout({ ...namespaced, ...unified('sys/fs/cgroup', { max: `${2048 * mib}`, high: `${1800 * mib}` }) })
    expect(memoryCgroup(root)?.limit()).toBe(1800 * mib)
  })

  it('is found in version 1, where the mount shows less than the path says', () => {
    const root = layout({ ...dockerLegacy, ...legacy('sys/fs/cgroup/memory', { limit: 512 * mib }) })
    expect(memoryCgroup(root)?.limit()).toBe(512 * mib)
  })

  it('is found in version 1 beside an empty version 2', () => {
    const own = 'sys/fs/cgroup/memory/jobs/a66d'
    const root = layout({ ...hybrid, ...legacy(own), ...legacy('sys/fs/cgroup/memory/jobs', { limit: 700 * mib }) })
    expect(memoryCgroup(root)?.limit()).toBe(700 * mib)
  })

  it('is not limited where version 1 writes its largest number and version 2 writes max', () => {
    const first = layout({ ...dockerLegacy, ...legacy('sys/fs/cgroup/memory', { limit: boundless }) })
    const second = layout({ ...namespaced, ...unified('sys/fs/cgroup') })
    expect([memoryCgroup(first)?.limit(), memoryCgroup(second)?.limit()]).toEqual([undefined, undefined])
    expect([memoryCgroup(first)?.tightest(), memoryCgroup(second)?.tightest()]).toEqual([undefined, undefined])
  })

  it('is unknown where there are no groups', () => {
    expect(memoryCgroup(layout({}))).toBeUndefined()
    expect(memoryCgroup(layout({ 'proc/self/cgroup': '0::/\n', 'proc/self/mountinfo': '' }))).toBeUndefined()
  })
})

describe('the memory that is held', () => {
  it('is what the kernel could not give back: neither cached files nor reclaimable slabs', () => {
    const root = layout({
      ...namespaced,
      ...unified('sys/fs/cgroup', { max: `${1024 * mib}`, current: 1000 * mib, file: 300 * mib }),
    })
    expect(memoryCgroup(root)?.tightest()).toEqual({ limit: 1024 * mib, held: 699 * mib })
  })

  it('counts the groups below in version 1', () => {
    const usage = { limit: 512 * mib, usage: 400 * mib, file: 100 * mib }
    const root = layout({ ...dockerLegacy, ...legacy('sys/fs/cgroup/memory', usage) })
    expect(memoryCgroup(root)?.tightest()).toEqual({ limit: 512 * mib, held: 300 * mib })
  })

  it('is that of the group around it, if that one is nearer to its limit', () => {
    const slice = 'sys/fs/cgroup/system.slice'
    const root = layout({
      ...service,
      ...unified(`${slice}/gatehouse.service`, { max: `${1024 * mib}`, current: 500 * mib }),
      ...unified(slice, { max: `${2048 * mib}`, current: 2000 * mib }),
    })
    expect(memoryCgroup(root)?.tightest()).toEqual({ limit: 2048 * mib, held: 1999 * mib })
  })
})

describe('the kills for memory', () => {
  it('are counted in both versions', () => {
    const second = layout({ ...namespaced, ...unified('sys/fs/cgroup', { kills: 3 }) })
    const first = layout({ ...dockerLegacy, ...legacy('sys/fs/cgroup/memory', { kills: 2 }) })
    expect([memoryCgroup(second)?.oomKills(), memoryCgroup(first)?.oomKills()]).toEqual([3, 2])
  })

  it('are unknown to kernels that do not count them', () => {
    const root = layout({
      ...dockerLegacy,
      'sys/fs/cgroup/memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\n',
    })
    expect(memoryCgroup(root)?.oomKills()).toBeUndefined()
  })
})
