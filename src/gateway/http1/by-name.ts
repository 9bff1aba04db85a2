/** Names that are remembered: clients and upstreams may send any. */
const most = 1_024
const longest = 40

/**
 * Remembers what `make` returns for a field name as it was written: nearly all messages have the same few. What throws
 * is not remembered.
 */
export function byName<T>(make: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>()
  return (name) => {
    const found = known.get(name)
    if (found !== undefined) return found
    // A copy, since a slice would keep the whole head in memory.
    const own = Buffer.from(name, 'latin1').toString('latin1')
    // Latin1 has cut its characters.
    if (own !== name) return make(name)
    const made = make(own)
    if (known.size < most && own.length <= longest) known.set(own, made)
    return made
  }
}
