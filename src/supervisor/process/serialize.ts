/**
 * Wraps what takes items so that it is never entered twice: items that come while one is taken wait until it is done
 * with.
 */
export function inTurn<T>(take: (item: T) => void): (item: T) => void {
  const waiting: T[] = []
  let taking = false
  return (item) => {
    waiting.push(item)
    if (taking) return
    taking = true
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) take(next)
    } finally {
      taking = false
    }
  }
}
