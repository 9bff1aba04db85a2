import { expect, it } from 'vitest'
import { compare } from './differential.ts'

/** Millions of them: `npm run test:full` (test/full/answer-fuzz.test.ts). */
const count = 10_000

it('answers are read as llhttp reads them, but for the differences that ADR 14 argues for', () => {
  const found = compare(count, 26)
  expect(found.differences).toEqual([])
  expect(found.read).toBeGreaterThan(count / 4)
  expect(found.agreed).toBeGreaterThan(count * 0.9)
})
