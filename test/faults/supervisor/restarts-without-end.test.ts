import { expect, it } from 'vitest'
import { planFor, testSupervisor } from '../../supervisor/test-supervisor.ts'
import { expectNoLeak } from './kills.ts'

it('leaks nothing in 200 kills, each after it was ready again, and reports each (1,000 in test:full)', async () => {
  await expectNoLeak(200)
}, 60_000)

it('gives up what crashes at boot again and again: pauses grow, then fatal with its last lines and its exit code', async () => {
  const backoff = { first: 0, next: 100, max: 300 }
  const restart = { policy: 'always', backoff, giveUp: { failures: 5, within: 60_000 }, steady: 5_000 } as const
  const one = testSupervisor([
    planFor('core', { program: 'crashes-on-boot.js', environment: { EXIT: '7' }, essential: true, restart }),
  ])
  one.supervisor.start()
  const { reason, lastOutput, restarts } = await one.untilState('core', 'fatal')
  expect(restarts).toBe(4)
  expect(reason).toMatch(/^it failed 5 times within 1m; the last time it exited with code 7 after /)
  expect(lastOutput).toHaveLength(10)
  const pauses = one.logs.flatMap(({ fields }) => (typeof fields.pause === 'number' ? [fields.pause] : []))
  const ranges = [
    [80, 120],
    [160, 240],
    [240, 300],
    [240, 300],
  ] as const
  expect(pauses).toHaveLength(ranges.length)
  for (const [index, [least, most]] of ranges.entries()) {
    expect(pauses[index]).toBeGreaterThanOrEqual(least)
    expect(pauses[index]).toBeLessThanOrEqual(most)
  }
  expect(one.logs.at(-1)).toMatchObject({
    level: 'error',
    fields: { process: 'core', exit: { code: 7, signal: null }, lastOutput },
  })
  expect(one.events.at(-1)).toMatchObject({ type: 'essential-failed', process: 'core', exitCode: 7 })
})
