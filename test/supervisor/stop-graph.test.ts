import { expect, it } from 'vitest'
import type { Criticality, ProcessPlan } from '../../src/plan/model/plan.ts'
import { fairGrace } from '../../src/supervisor/stop/grace.ts'
import { stopGraph } from '../../src/supervisor/stop/stop-graph.ts'
import { planFor } from './test-supervisor.ts'

const ranks: readonly Criticality[] = ['critical', 'important', 'rebuildable']

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Up to 12 processes, each depending on some of those before it. */
function anyPlans(random: () => number): readonly ProcessPlan[] {
  const count = 1 + Math.floor(random() * 12)
  return Array.from({ length: count }, (_, index) =>
    planFor(`p${index}`, {
      criticality: ranks[Math.floor(random() * 3)] ?? 'important',
      stop: { signal: 'SIGTERM', grace: Math.floor(random() * 100) },
      dependsOn: Array.from({ length: index }, (_, other) => ({
        process: `p${other}`,
        condition: 'started' as const,
      })).filter(() => random() < 0.2),
    }),
  )
}

const cases = Array.from({ length: 500 }, (_, seed) => anyPlans(randomFrom(seed)))

/** When each is asked to end and has ended, if each takes all of its grace. */
function stopAll(plans: readonly ProcessPlan[], budget: number): Map<string, { asked: number; ended: number }> {
  const after = stopGraph(plans)
  const times = new Map<string, { asked: number; ended: number }>()
  for (let now = 0; times.size < plans.length; ) {
    const running = plans.filter(({ name }) => !((times.get(name)?.ended ?? Number.POSITIVE_INFINITY) <= now))
    for (const plan of running) {
      const isFree = running.every(({ name }) => !after.get(name)?.includes(plan.name))
      if (times.has(plan.name) || !isFree) continue
      times.set(plan.name, {
        asked: now,
        ended: now + fairGrace(plan, running, { total: budget, remaining: budget - now }),
      })
    }
    const next = Math.min(...[...times.values()].map(({ ended }) => ended).filter((ended) => ended > now))
    // With no grace left somebody has ended in this moment, and others are free now.
    if (next !== Number.POSITIVE_INFINITY) now = next
    else if (![...times.values()].some(({ ended }) => ended === now)) throw new Error('they wait for one another')
  }
  return times
}

it('has no cycles; dependants stop before what they depend on, critical processes last', () => {
  for (const plans of cases) {
    const times = stopAll(plans, 10_000)
    const of = (name: string) => times.get(name) ?? { asked: Number.NaN, ended: Number.NaN }
    for (const { name, dependsOn, stop } of plans) {
      expect(of(name).ended - of(name).asked).toBeCloseTo(stop.grace)
      for (const { process } of dependsOn) expect(of(process).asked).toBeGreaterThanOrEqual(of(name).ended)
    }
    const below = new Set<string>()
    const addBelow = (name: string) => {
      below.add(name)
      for (const { process } of plans.find((plan) => plan.name === name)?.dependsOn ?? []) addBelow(process)
    }
    const critical = plans.filter(({ criticality }) => criticality === 'critical')
    for (const { name } of critical) addBelow(name)
    for (const { name } of plans) {
      if (below.has(name)) continue
      for (const last of critical) expect(of(last.name).asked).toBeGreaterThanOrEqual(of(name).ended)
    }
  }
})

it('is over within the budget, whatever the graces are, even if no process ends by itself', () => {
  for (const [seed, plans] of cases.entries()) {
    const budget = (seed % 50) * 8
    for (const { ended } of stopAll(plans, budget).values()) expect(ended).toBeLessThanOrEqual(budget + 1e-6)
  }
})

it('takes nothing from a critical process that three quarters of the budget are enough for', () => {
  const database = planFor('database', { criticality: 'critical', stop: { signal: 'SIGTERM', grace: 75 } })
  for (const plans of cases) {
    const others = plans.filter(({ criticality }) => criticality !== 'critical')
    const known = new Set(others.map(({ name }) => name))
    const kept = others.map((plan) => ({
      ...plan,
      dependsOn: plan.dependsOn.filter(({ process }) => known.has(process)),
    }))
    const { asked, ended } = stopAll([database, ...kept], 100).get('database') ?? { asked: 0, ended: 0 }
    expect(ended - asked).toBeCloseTo(75)
  }
})
