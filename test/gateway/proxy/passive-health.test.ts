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

  it('counts faults from the first one on, which is as long ago as its window', () => {
    const health = new PassiveHealth()
    fail(health, 1)
    wait(10_000)
    expect(fail(health, 2)).toEqual([false, true])
  })

  it('counts faults from the first one after an answer on', () => {
    const health = new PassiveHealth()
    fail(health, 1)
    health.answered(200, plan)
    wait(6_000)
    fail(health, 1)
    wait(6_000)
    expect(fail(health, 2)).toEqual([false, true])
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
    wait(4_999)
    expect(health.ejected).toBe(true)
    wait(1)
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

  it('brings it back at once when it answers, even if one fault was enough', () => {
    const health = new PassiveHealth()
    expect(health.connectionFailed({ ...plan, failures: 1 })).toBe(true)
    health.answered(200, plan)
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

  it('is not ejected by an answer that is no error, nor twice at a time', () => {
    const health = new PassiveHealth()
    expect(answer(health, [...new Array(9).fill(500), 200])).toBe(false)
    expect(answer(health, [500])).toBe(true)
    // Of requests that were sent before.
    expect(answer(health, [...new Array(20).fill(500), 200])).toBe(false)
    expect(health.ejected).toBe(true)
    wait(5_000)
    expect(health.ejected).toBe(false)
  })

  it('counts no answers that are older than its window', () => {
    const health = new PassiveHealth()
    answer(health, new Array(20).fill(200))
    wait(11_000)
    expect(answer(health, new Array(10).fill(500))).toBe(true)
  })

  it('counts answers of its whole window', () => {
    const health = new PassiveHealth()
    const verdicts = Array.from({ length: 10 }, () => {
      wait(900)
      return answer(health, [500])
    })
    expect(verdicts).toEqual([...new Array(9).fill(false), true])
  })

  it('slides: what is older than its window counts no more', () => {
    const health = new PassiveHealth()
    answer(health, new Array(9).fill(500))
    wait(11_000)
    expect(answer(health, [...new Array(9).fill(200), 500])).toBe(false)
    wait(11_000)
    expect(answer(health, new Array(9).fill(500))).toBe(false)
    wait(11_000)
    for (let n = 0; n < 50; n++) {
      wait(1_300)
      expect(answer(health, [500])).toBe(false)
    }
  })
})
