import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PassiveHealth } from '../../../src/gateway/proxy/passive-health.ts'
import type { PassiveHealthPlan } from '../../../src/plan/model/upstreams.ts'

const plan: PassiveHealthPlan = { failures: 3, within: 10_000, ejectFor: 5_000 }
const strict: PassiveHealthPlan = { ...plan, errorRate: { percent: 50, minimum: 10 } }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'], now: 1_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

const wait = (time: number) => vi.advanceTimersByTime(time)

function fail(health: PassiveHealth, times: number): boolean[] {
  return Array.from({ length: times }, () => health.connectionFailed(plan))
}

function answer(health: PassiveHealth, statuses: readonly number[], by = strict): boolean {
  return statuses.map((status) => health.answered(status, by)).includes(true)
}

describe('passive health', () => {
  it('ejects a target by connection faults with no answer in between, and says so once', () => {
    const health = new PassiveHealth()
    expect(fail(health, 5)).toEqual([false, false, true, false, false])
    expect(health.ejected).toBe(true)
  })

  it('forgets faults that lie further apart than its window', () => {
    const health = new PassiveHealth()
    for (let n = 0; n < 10; n++) {
      expect(health.connectionFailed(plan)).toBe(false)
      wait(6_000)
    }
    expect(health.ejected).toBe(false)
  })

  it('forgets faults when the target answers, whatever the status', () => {
    const health = new PassiveHealth()
    fail(health, 2)
    health.answered(500, plan)
    expect(fail(health, 2)).toEqual([false, false])
    expect(health.ejected).toBe(false)
  })

  it('brings it back after a time; one more fault then ejects it again, an answer does not', () => {
    const health = new PassiveHealth()
    fail(health, 3)
    wait(5_001)
    expect(health.ejected).toBe(false)
    expect(health.connectionFailed(plan)).toBe(true)
    wait(5_001)
    health.answered(200, plan)
    expect(fail(health, 2)).toEqual([false, false])
  })

  it('brings it back at once when it answers or is known to be well', () => {
    const health = new PassiveHealth()
    fail(health, 3)
    health.answered(200, plan)
    expect(health.ejected).toBe(false)
    fail(health, 3)
    health.clear()
    expect(health.ejected).toBe(false)
  })

  it('takes no notice of 5xx unless a rate of them is given', () => {
    const health = new PassiveHealth()
    expect(answer(health, new Array(1_000).fill(500), plan)).toBe(false)
    expect(health.ejected).toBe(false)
  })

  it('ejects by a rate of 5xx over its window, from so many answers on', () => {
    const health = new PassiveHealth()
    expect(answer(health, new Array(9).fill(500))).toBe(false)
    expect(answer(health, [500])).toBe(true)
    expect(health.ejected).toBe(true)
    wait(5_001)
    expect(health.ejected).toBe(false)
    expect(answer(health, [...new Array(12).fill(200), ...new Array(11).fill(503)])).toBe(false)
    expect(answer(health, [503])).toBe(true)
  })

  it('slides: what is older than its window counts no more', () => {
    const health = new PassiveHealth()
    answer(health, new Array(9).fill(500))
    wait(11_000)
    expect(answer(health, new Array(9).fill(500))).toBe(false)
    wait(11_000)
    for (let n = 0; n < 50; n++) {
      wait(1_300)
      expect(answer(health, [500])).toBe(false)
    }
  })
})
