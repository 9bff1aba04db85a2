/**
 * The same as `make`, called once for all arguments that are equal as JSON: thousands of routes that say the same then share what
 * is made of it. What is made must not be changed by whoever gets it, and lives as long as the returned function.
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
