/**
 * Bounds how many bytes of large answers a thread passes on in one turn of its event loop. With hundreds of them in
 * flight, a turn that serves each would be long, and a new client waits for several turns. Beyond the budget they take
 * turns.
 */
import type { Bytes } from '../../shared/bytes.ts'

/** Takes 2 to 4 ms to pass on. */
const budget: Bytes = 1024 * 1024
/** What a waiting answer is assumed to pass on in its turn. */
const piece: Bytes = 65_536

/** First come, first served. */
let waiting: (() => void)[] = []
let left = budget
let scheduled = false

/**
 * To be called with every piece that is passed on. False: the budget of this turn is used up, so the caller waits
 * (`inTurn`) before it passes on more. Small pieces do not count: their cost is not in their bytes.
 */
export function mayContinue(length: Bytes): boolean {
  if (length < piece / 4) return true
  schedule()
  left -= length
  return left > 0 && waiting.length === 0
}

/** Calls back after all that waited before. */
export function inTurn(resume: () => void): void {
  schedule()
  waiting.push(resume)
}

function schedule(): void {
  if (scheduled) return
  scheduled = true
  setImmediate(beginTurn)
}

function beginTurn(): void {
  left = budget
  scheduled = false
  const next = waiting.slice(0, budget / piece)
  waiting = waiting.slice(next.length)
  if (waiting.length > 0) schedule()
  for (const resume of next) resume()
}
