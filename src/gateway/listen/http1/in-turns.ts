/** So many at a time, before whoever else waits gets a turn. */
const atOnce = 16

/**
 * Spreads over many turns of the event loop what comes all at once: the heads of thousands of connections can be overdue in the
 * same moment, and others must not wait until each was told so.
 */
export function inTurns<T>(work: (item: T) => void): (item: T) => void {
  let waiting: T[] = []
  const turn = () => {
    const now = waiting.slice(0, atOnce)
    waiting = waiting.slice(atOnce)
    if (waiting.length > 0) setImmediate(turn)
    for (const item of now) work(item)
  }
  return (item) => {
    waiting.push(item)
    if (waiting.length === 1) setImmediate(turn)
  }
}
