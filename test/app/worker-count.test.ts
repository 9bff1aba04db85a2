import { describe, expect, it } from 'vitest'
import { allowedCpus } from '../../src/app/workers/cpus.ts'
import { workerCount } from '../../src/app/workers/worker-count.ts'
import type { GatewayPlan } from '../../src/plan/model/plan.ts'
import { listener, planOf } from '../gateway/support.ts'

function asking(threads: GatewayPlan['threads'], listeners = 1): GatewayPlan {
  const named = Array.from({ length: listeners }, (_, index) => listener(`l${index}`, 8080 + index))
  return { ...planOf({ routes: [] }, named), threads }
}

describe('the number of gateway threads', () => {
  it('is what was asked for', () => {
    expect(workerCount(asking(1), 'linux')).toBe(1)
    expect(workerCount(asking(7), 'linux')).toBe(7)
  })

  it('is one for two CPUs by default, and never none', () => {
    expect(workerCount(asking('auto'), 'linux')).toBe(Math.max(1, Math.floor(allowedCpus() / 2)))
  })

  it('is one where the system does not share a port', () => {
    expect(workerCount(asking(7), 'darwin')).toBe(1)
  })

  it('is none without a listener', () => {
    expect(workerCount(asking(7, 0), 'linux')).toBe(0)
  })
})
