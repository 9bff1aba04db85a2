import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { inTurn, mayContinue } from '../../../src/gateway/response/fair-turns.ts'

const piece = 65_536

it('hundreds of large answers are spread over several turns of the event loop', async () => {
  const done: number[] = []
  const rounds: number[] = []
  let held = 0
  for (let index = 0; index < 300; index += 1) {
    if (mayContinue(piece)) continue
    held += 1
    inTurn(() => {
      mayContinue(piece)
      done.push(index)
    })
  }
  expect(held).toBeGreaterThan(270)
  while (done.length < held) {
    const before = done.length
    await turn()
    rounds.push(done.length - before)
  }
  expect(Math.max(...rounds)).toBeLessThanOrEqual(16)
  expect(done).toEqual([...done].sort((a, b) => a - b))
})

it('a few answers, and any number of small pieces, do not wait', async () => {
  await turn()
  for (let index = 0; index < 15; index += 1) expect(mayContinue(piece)).toBe(true)
  await turn()
  for (let index = 0; index < 10_000; index += 1) expect(mayContinue(1_000)).toBe(true)
})
