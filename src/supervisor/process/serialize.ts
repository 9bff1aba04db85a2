/**
 * Wraps a function so that it is not re-entered: items that come while it runs wait until it is done.
 */
export function serialize<T>(take: (item: T) => void): (item: T) => void {
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
