/**
 * How much of large answers a thread passes on in one turn of its event loop. Where hundreds of them are under way, a turn in which
 * each goes on would take as long as all of them, and a new client waits for several turns. Beyond the budget they take turns.
 */
import type { Bytes } from '../../shared/bytes.ts'

/** To pass on as much takes 2 to 4 ms. */
const budget: Bytes = 1024 * 1024
/** What one of those that wait is taken to pass on when its turn has come. */
const piece: Bytes = 65_536

/** First come, first served. */
let waiting: (() => void)[] = []
let left = budget
let scheduled = false

/**
 * To be called with every piece that is passed on. False: enough for this turn; whoever has more waits for its own (`inTurn`). Small
 * pieces do not count: they cost by what is done with them.
 */
export function mayGoOn(length: Bytes): boolean {
  if (length < piece / 4) return true
  schedule()
  left -= length
  return left > 0 && waiting.length === 0
}

/** Calls back when all that waited before had their turn. */
export function inTurn(goOn: () => void): void {
  schedule()
  waiting.push(goOn)
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
  for (const goOn of next) goOn()
}
