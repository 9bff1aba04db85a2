import { describe, expect, it } from 'vitest'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import {
  decideRestart,
  type EndedRunFacts,
  type Ending,
  type Failures,
  noFailures,
  type RestartDecision,
  restartPause,
} from '../../src/supervisor/process/restart.ts'
import { exitCodeFor } from '../../src/supervisor/spawn/exit.ts'

const backoff = { first: 0, next: 1_000, max: 30_000 }
const middle = 0.5
const probe = { kind: 'tcp', host: '127.0.0.1', port: 1, every: 1, timeout: 1, deadline: 5_000 } as const

function service(policy: ProcessPlan['restart']['policy'], failures = 5) {
  return {
    kind: 'service',
    restart: { policy, backoff, giveUp: { failures, within: 60_000 }, steady: 10_000 },
  } as const
}

function task(policy: ProcessPlan['restart']['policy']) {
  return { ...service(policy), kind: 'task' } as const
}

function exit(code: number): Ending {
  return { kind: 'exit', exit: { code, signal: null } }
}

function caseOf(ending: Ending, more: Partial<EndedRunFacts> = {}): EndedRunFacts {
  return { ending, run: { uptime: 100, readyFor: 0 }, failures: noFailures, now: 0, random: middle, ...more }
}

/** Judges so many crashes at boot, `apart` ms one from the other. */
function crashes(plan: Parameters<typeof decideRestart>[0], count: number, apart: number): RestartDecision[] {
  const decisions: RestartDecision[] = []
  for (let index = 0; index < count; index += 1) {
    const failures = decisions.at(-1)?.failures ?? noFailures
    decisions.push(decideRestart(plan, caseOf(exit(1), { failures, now: index * apart })))
  }
  return decisions
}

describe('the pause before a restart', () => {
  it('is `first` after having been ready, then `next`, doubling up to `max`', () => {
    const pauses = [0, 1, 2, 3, 4, 5, 6, 7, 60].map((step) => restartPause(backoff, step, middle))
    expect(pauses).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  })

  it('is spread by 20 % to both sides, but never above `max`', () => {
    expect(restartPause(backoff, 2, 0)).toBe(1_600)
    expect(restartPause(backoff, 2, 0.999_999)).toBe(2_400)
    expect(restartPause(backoff, 10, 0.999_999)).toBe(30_000)
    expect(restartPause(backoff, 10, 0)).toBe(24_000)
  })
})

describe('the restart policy', () => {
  it('restarts a service by `always` whatever its exit code', () => {
    expect(decideRestart(service('always'), caseOf(exit(0)))).toMatchObject({ verdict: 'retry', failed: false })
    expect(decideRestart(service('always'), caseOf(exit(1)))).toMatchObject({ verdict: 'retry', failed: true })
  })

  it('restarts by `on-failure` unless the exit code is 0', () => {
    expect(decideRestart(service('on-failure'), caseOf(exit(0))).verdict).toBe('ended')
    expect(decideRestart(service('on-failure'), caseOf(exit(2))).verdict).toBe('retry')
    const killed: Ending = { kind: 'exit', exit: { code: null, signal: 'SIGKILL' } }
    expect(decideRestart(service('on-failure'), caseOf(killed)).verdict).toBe('retry')
  })

  it('does not restart by `never`, and knows whether it failed', () => {
    expect(decideRestart(service('never'), caseOf(exit(0)))).toMatchObject({ verdict: 'ended', failed: false })
    expect(decideRestart(service('never'), caseOf(exit(3)))).toMatchObject({
      verdict: 'ended',
      failed: true,
      exitCode: 3,
    })
  })

  it('takes a task that ended with 0 for completed, whatever the policy', () => {
    for (const policy of ['always', 'on-failure', 'never'] as const)
      expect(decideRestart(task(policy), caseOf(exit(0))).verdict).toBe('completed')
    expect(decideRestart(task('on-failure'), caseOf(exit(1))).verdict).toBe('retry')
  })

  it('gives up after so many failures within the time, and says so', () => {
    const decisions = crashes(service('always', 3), 3, 1_000)
    expect(decisions.map(({ verdict }) => verdict)).toEqual(['retry', 'retry', 'gaveUp'])
    expect(decisions[2]?.reason).toBe('it failed 3 times within 1m; the last time it exited with code 1 after 100ms')
    expect(crashes(service('always', 3), 3, 30_000).at(-1)?.verdict).toBe('gaveUp')
  })

  it('takes a service that ends too often for failed, even with exit code 0', () => {
    expect(decideRestart(service('always', 1), caseOf(exit(0)))).toMatchObject({ verdict: 'gaveUp', failed: true })
  })

  it('does not give up on failures that are farther apart than that, and backs off all the same', () => {
    const decisions = crashes(service('always', 3), 6, 31_000)
    expect(decisions.map(({ verdict }) => verdict)).toEqual(Array(6).fill('retry'))
    expect(decisions.map(({ pause }) => pause)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000])
  })

  /**
   * Judges a row of runs, each ready for so long after a start of so long; the clock stands still meanwhile but for
   * these.
   */
  function runs(
    plan: Parameters<typeof decideRestart>[0],
    count: number,
    { start = 100, readyFor = 0 },
  ): RestartDecision[] {
    const decisions: RestartDecision[] = []
    let now = 0
    for (let index = 0; index < count; index += 1) {
      now += start + readyFor + (decisions.at(-1)?.pause ?? 0)
      const failures = decisions.at(-1)?.failures ?? noFailures
      const run = { uptime: start + readyFor, start, readyFor }
      decisions.push(decideRestart(plan, caseOf(exit(1), { failures, now, run })))
    }
    return decisions
  }

  it('forgets earlier failures once it was ready for long enough: the next restart is immediate', () => {
    const plan = { ...service('always', 3), ready: probe }
    const failures = { count: 2, times: [0, 1], step: 2 }
    const run = { uptime: 10_050, start: 50, readyFor: 10_000 }
    const decision = decideRestart(plan, caseOf(exit(1), { failures, now: 2, run }))
    expect(decision).toMatchObject({ verdict: 'retry', pause: 0, failures: { count: 1, times: [2], step: 0 } })
  })

  it('does not forget failures because it was ready for a moment: pauses grow, then it gives up', () => {
    const plan = { ...service('always'), ready: probe }
    const decisions = runs(plan, 5, { readyFor: 9_999 })
    expect(decisions.map(({ pause }) => pause)).toEqual([0, 1_000, 2_000, 4_000, 0])
    expect(decisions.map(({ verdict }) => verdict)).toEqual(['retry', 'retry', 'retry', 'retry', 'gaveUp'])
  })

  it('gives up on what is ready for a moment after a start that is longer than the window', () => {
    const plan = { ...service('always'), startup: probe }
    expect(runs(plan, 5, { start: 90_000, readyFor: 50 }).at(-1)?.verdict).toBe('gaveUp')
  })

  it('never gives up what is ready for long enough each time', () => {
    const plan = { ...service('always', 2), ready: probe }
    const decisions = runs(plan, 20, { readyFor: 10_000 })
    expect(new Set(decisions.map(({ verdict, pause }) => `${verdict} ${pause}`))).toEqual(new Set(['retry 0']))
  })

  it('does not take a service without a probe for an accident unless it stayed up for long enough', () => {
    const failures = { count: 1, times: [0], step: 1 }
    const early = { failures, now: 2, run: { uptime: 9_999, start: 0, readyFor: 9_999 } }
    expect(decideRestart(service('always'), caseOf(exit(1), early)).pause).toBe(2_000)
    expect(decideRestart(service('always'), caseOf(exit(1), { ...early, failures: noFailures })).pause).toBe(1_000)
    const late = { failures, now: 2, run: { uptime: 10_000, start: 0, readyFor: 10_000 } }
    expect(decideRestart(service('always'), caseOf(exit(1), late)).pause).toBe(0)
  })

  it('forgets the failures of a task that has completed', () => {
    const failures = { count: 2, times: [0, 1], step: 2 }
    const { failures: left } = decideRestart(task('on-failure'), caseOf(exit(0), { failures }))
    expect(left).toEqual({ count: 0, times: [], step: 0 })
  })

  it('counts one that was never ready as failed even if it took our signal for a reason to exit 0', () => {
    const ending: Ending = { kind: 'never-ready', problem: 'was not ready within 5s (it answered 503)' }
    expect(decideRestart({ ...service('on-failure', 1), ready: probe }, caseOf(ending))).toMatchObject({
      verdict: 'gaveUp',
      exitCode: 1,
      reason: 'it failed once; the last time it was not ready within 5s (it answered 503)',
    })
  })

  it('gives up on what is never ready, although each wait for it is longer than the window', () => {
    const plan = { ...service('always', 3), ready: probe }
    const uptime = 300_000 // the window of these plans is shorter
    let failures = noFailures
    const verdicts = [1, 2, 3].map((start) => {
      const ending: Ending = { kind: 'never-ready', problem: 'was not ready within 5m' }
      const decision = decideRestart(
        plan,
        caseOf(ending, { failures, now: start * uptime, run: { uptime, readyFor: 0 } }),
      )
      failures = decision.failures
      return decision.verdict
    })
    expect(plan.restart.giveUp.within).toBeLessThan(uptime)
    expect(verdicts).toEqual(['retry', 'retry', 'gaveUp'])
  })

  it('takes nothing for an accident that was never ready, even if no time of being ready is asked for', () => {
    const plan = { ...service('always'), ready: probe }
    const restart = { ...plan.restart, steady: 0 }
    for (const crashed of [plan, { ...plan, restart }])
      expect(decideRestart(crashed, caseOf(exit(1)))).toMatchObject({ pause: 1_000, failures: { count: 1, step: 1 } })
  })

  it('lets the window pass while a task without a probe works', () => {
    let failures = noFailures
    const verdicts = [1, 2, 3, 4].map((run) => {
      const how = { failures, now: run * 31_000, run: { uptime: 31_000, readyFor: 0 } }
      const decision = decideRestart({ ...task('always'), restart: service('always', 3).restart }, caseOf(exit(1), how))
      failures = decision.failures
      return decision.verdict
    })
    expect(verdicts).toEqual(['retry', 'retry', 'retry', 'retry'])
  })

  it.each(['never-ready', 'unresponsive', 'oversized', 'no-backup', 'daemonized'] as const)(
    'takes %s for a failure, and says why',
    (kind) => {
      expect(decideRestart(service('always'), caseOf({ kind, problem: 'did it' }))).toMatchObject({
        // A program that leaves for the background would do so again.
        verdict: kind === 'daemonized' ? 'gaveUp' : 'retry',
        failed: true,
        exitCode: 1,
        reason: 'did it',
      })
    },
  )

  it('waits for ever, and longer each time, while it is this machine that cannot spawn', () => {
    const failure = { reason: 'no process is left', exitCode: 126, transient: true, local: true } as const
    let failures: Failures = { count: 4, times: [0, 1, 2, 3], step: 0 }
    const pauses = [0, 1, 2, 3].map((step) => {
      const how = { failures, run: undefined }
      const decision = decideRestart(service('never'), caseOf({ kind: 'not-spawned', failure }, how))
      expect(decision).toMatchObject({ verdict: 'retry', failed: true, reason: failure.reason })
      expect(decision.failures).toEqual({ ...failures, step: step + 1 })
      failures = decision.failures
      return decision.pause
    })
    expect(pauses).toEqual([0, 1_000, 2_000, 4_000])
  })

  it('gives up at once what can never be spawned, and tries again what could not be for the moment', () => {
    const failure = { reason: 'command: x is not there', exitCode: 127, transient: false } as const
    const impossible = decideRestart(service('always'), caseOf({ kind: 'not-spawned', failure }))
    expect(impossible).toMatchObject({ verdict: 'gaveUp', exitCode: 127, reason: failure.reason })
    const shortage = { kind: 'not-spawned', failure: { ...failure, transient: true } } as const
    for (const plan of [service('always'), { ...service('always'), ready: probe }])
      expect(decideRestart(plan, caseOf(shortage, { run: undefined }))).toMatchObject({
        verdict: 'retry',
        pause: 1_000,
      })
  })
})

describe('the exit code that is passed on', () => {
  it('is the own one, 128 + signal, and never 0', () => {
    expect(exitCodeFor({ code: 7, signal: null })).toBe(7)
    expect(exitCodeFor({ code: null, signal: 'SIGKILL' })).toBe(137)
    expect(exitCodeFor({ code: 0, signal: null })).toBe(1)
  })
})
