/** Items per turn of the event loop. */
const perTurn = 16

/**
 * Spreads bursts of work over several turns of the event loop: the heads of thousands of connections can be overdue at
 * the same moment, and other clients must not wait for all of them.
 */
export function spreadOverTurns<T>(work: (item: T) => void): (item: T) => void {
  let waiting: T[] = []
  const turn = () => {
    const now = waiting.slice(0, perTurn)
    waiting = waiting.slice(perTurn)
    if (waiting.length > 0) setImmediate(turn)
    for (const item of now) work(item)
  }
  return (item) => {
    waiting.push(item)
    if (waiting.length === 1) setImmediate(turn)
  }
}
