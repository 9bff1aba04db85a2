import { expect, it } from 'vitest'
import { compare } from './differential.ts'

/** Millions of them: `npm run test:full` (test/full/request-fuzz.test.ts). */
const count = 5_000

it('requests are read as llhttp reads them, but for the differences that ADR 33 argues for', async () => {
  const found = await compare(count, 26)
  expect(found.differences).toEqual([])
  expect(found.read).toBeGreaterThan(count / 2)
  expect(found.agreed).toBeGreaterThan(count * 0.85)
})
