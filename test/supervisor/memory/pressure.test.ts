import { describe, expect, it } from 'vitest'
import type { Criticality } from '../../../src/plan/model/plan.ts'
import {
  isNearItsLimit,
  type MemoryUser,
  RestartThrottle,
  restartCandidate,
} from '../../../src/supervisor/memory/pressure.ts'
import { always, never } from '../test-supervisor.ts'

const [mb, gb] = [1_000_000, 1_000_000_000]
const minute = 60_000

function holder(
  name: string,
  criticality: Criticality,
  used: number,
  more: Partial<MemoryUser['plan']> = {},
): MemoryUser {
  return { plan: { name, kind: 'service', criticality, restart: always(), ...more }, used }
}

describe('near its limit', () => {
  it('is a container when a tenth is left, or a gigabyte of a large one', () => {
    const at = (limit: number, held: number) => isNearItsLimit({ limit, held })
    expect([at(2 * gb, 1.8 * gb), at(2 * gb, 1.81 * gb)]).toEqual([false, true])
    expect([at(64 * gb, 62.9 * gb), at(64 * gb, 63.1 * gb)]).toEqual([false, true])
  })
})

describe('the first to go', () => {
  const others = [holder('db', 'critical', 900 * mb), holder('web', 'important', 300 * mb)]

  it('is the largest rebuildable one, however much more others hold', () => {
    const holders = [...others, holder('small', 'rebuildable', 30 * mb), holder('cache', 'rebuildable', 90 * mb)]
    expect(restartCandidate(holders, gb)?.plan.name).toBe('cache')
  })

  it('is the largest important one if nothing rebuildable is worth it', () => {
    const holders = [...others, holder('backend', 'important', 400 * mb), holder('tiny', 'rebuildable', 19 * mb)]
    expect(restartCandidate(holders, gb)?.plan.name).toBe('backend')
  })

  it('is never a critical one, a task, or one that would not be restarted', () => {
    const spared = [
      holder('db', 'critical', 900 * mb),
      holder('import', 'rebuildable', 500 * mb, { kind: 'task' }),
      holder('once', 'rebuildable', 500 * mb, { restart: never }),
    ]
    expect(restartCandidate(spared, gb)).toBeUndefined()
  })
})

describe('a process that was restarted for memory', () => {
  it('is spared for a minute, then for two, four and eight', () => {
    const restraint = new RestartThrottle()
    const pauses: number[] = []
    let now = 0
    for (let restart = 0; restart < 4; restart += 1) {
      restraint.restarted('leaky', now)
      const from = now
      while (restraint.holdsBack('leaky', now)) now += 1_000
      pauses.push((now - from) / minute)
    }
    expect(pauses).toEqual([1, 2, 4, 8])
    expect(restraint.holdsBack('other', now)).toBe(false)
  })

  it('has a clean slate after an hour', () => {
    const restraint = new RestartThrottle()
    for (const at of [0, 1, 2]) restraint.restarted('leaky', at)
    restraint.restarted('leaky', 70 * minute)
    expect([70.9, 71.1].map((at) => restraint.holdsBack('leaky', at * minute))).toEqual([true, false])
  })
})
