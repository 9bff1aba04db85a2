import { expect, test, vi } from 'vitest'
import { sleep } from '../../src/shared/time/timer.ts'

const slept = vi.hoisted(() => [] as number[])
vi.mock('node:timers/promises', () => ({ setTimeout: async (span: number) => void slept.push(span) }))

const longest = 2 ** 31 - 1

test.each([
  [1, [1]],
  [longest, [longest]],
  [longest + 1, [longest, 1]],
  [2.5 * longest, [longest, longest, 0.5 * longest]],
])('a sleep of %i ms consists of spans that Node can wait for', async (span, expected) => {
  slept.length = 0
  await sleep(span)
  expect(slept).toEqual(expected)
})
