/**
 * Memoizes `make` by the JSON of its argument, so that thousands of equal routes share one result. Results must not be
 * modified, and live as long as the returned function.
 */
export function sharing<T, R>(make: (from: T) => R): (from: T) => R {
  const made = new Map<string, R>()
  return (from) => {
    const key = JSON.stringify(from)
    const known = made.get(key)
    if (known !== undefined) return known
    const fresh = make(from)
    made.set(key, fresh)
    return fresh
  }
}
