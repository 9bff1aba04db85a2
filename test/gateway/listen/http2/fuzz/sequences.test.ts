import { expect, it } from 'vitest'
import { sendSequences } from './sequences.ts'

/** Thousands of them: `npm run test:full` (test/full/http2-request-fuzz.test.ts). */
const count = 1_000

it('whatever frames come, each request ends once, and the connection ends or goes on', async () => {
  const found = await sendSequences(count, 34)
  expect(found.faults).toEqual([])
  expect(found.requests).toBeGreaterThan(count)
  expect(found.finished).toBeGreaterThan(count / 2)
  expect(found.usable).toBeGreaterThan(count / 4)
})
