import { describe, expect, it } from 'vitest'
import type { ProcessPlan } from '../../../src/plan/model/plan.ts'
import { budgetFault, budgetOf, shareOf } from '../../../src/supervisor/memory/budget.ts'

type Asking = Pick<ProcessPlan, 'name' | 'kind' | 'memory'>

const [mb, gb] = [1_000_000, 1_000_000_000]

function service(name: string, memory?: ProcessPlan['memory']): Asking {
  return { name, kind: 'service', ...(memory !== undefined && { memory }) }
}

function shares(plans: readonly Asking[], total: number): (number | undefined)[] {
  const budget = budgetOf(plans, total)
  return plans.map((plan) => shareOf(plan, budget))
}

describe('the budget', () => {
  it('gives fixed sizes first and divides the rest among all services without one', () => {
    const plans = [service('backend', 1_500 * mb), service('rts', 'auto'), service('redis'), service('mcp', 'auto')]
    expect(budgetOf(plans, 4 * gb)).toEqual({ total: 4 * gb, reserve: 256 * mb, fixed: 1_500 * mb, part: 748 * mb })
    expect(shares(plans, 4 * gb)).toEqual([1_500 * mb, 748 * mb, undefined, 748 * mb])
  })

  it('counts a task by its fixed size only: it does not run all the time', () => {
    const plans: Asking[] = [service('a', 'auto'), { name: 'migrate', kind: 'task' }]
    expect(shares(plans, gb)).toEqual([750 * mb, undefined])
    expect(shares([...plans, { name: 'backup', kind: 'task', memory: 250 * mb }], gb)[0]).toBe(500 * mb)
  })

  it('keeps a quarter for Gatehouse in a small container, a twentieth in a large one', () => {
    expect([512 * mb, gb, 64 * gb].map((total) => budgetOf([], total).reserve)).toEqual([128 * mb, 250 * mb, 3.2 * gb])
  })

  it('finds nothing to say of what fits', () => {
    const plans = [service('a', 300 * mb), service('b', 'auto'), service('c')]
    expect(budgetFault(plans, budgetOf(plans, gb))).toBeUndefined()
    expect(budgetFault([], budgetOf([], gb))).toBeUndefined()
  })

  it('says with numbers that fixed sizes are more than there is', () => {
    const plans = [service('a', 900 * mb), service('b', 600 * mb), service('c', 'auto')]
    expect(budgetFault(plans, budgetOf(plans, gb))).toBe(
      "the fixed sizes of `memory` add up to 1.5 GB (a 900 MB, b 600 MB), but only 1 GB may be used, of which 250 MB are kept for Gatehouse; lower them, or raise the container's limit",
    )
    expect(shares(plans, gb)).toEqual([900 * mb, 600 * mb, undefined])
  })

  it('sets nothing where too little is left, and logs that', () => {
    const plans = [service('a', 700 * mb), service('b', 'auto')]
    expect(shares(plans, gb)).toEqual([700 * mb, undefined])
    expect(budgetFault(plans, budgetOf(plans, gb))).toBe(
      "too little memory is left for `memory: auto` (b), so it is not applied: of 1 GB, 250 MB are kept for Gatehouse, and 700 MB are taken by fixed sizes; raise the container's limit",
    )
  })
})
