import { afterEach, expect, it } from 'vitest'
import { cleanUp } from '../../../support.ts'
import { sendInDisorder, startDisorder } from './disorder.ts'

afterEach(cleanUp)

/** Thousands of them: `npm run test:full` (test/full/request-disorder.test.ts). */
const count = 60

it.each(['h1', 'h1s'] as const)('each answer is that to its request, whatever clients do over %s', async (way) => {
  const disorder = await startDisorder()
  await Promise.all(Array.from({ length: count }, (_, seed) => sendInDisorder(disorder, way, seed)))
  expect(disorder.faults).toEqual([])
  expect(disorder.gateway.errors).toEqual([])
  expect(disorder.answers).toBeGreaterThan(count / 2)
})
