/** "Did you mean": the candidate nearest to what was written if it is near enough, or one that it abbreviates. */
export function nearest(written: string, candidates: readonly string[]): string | undefined {
  const reach = Math.max(1, Math.floor(written.length / 3))
  let best: string | undefined
  let bestDistance = reach + 1
  for (const candidate of candidates) {
    const distance = editDistance(written.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best ?? candidates.find((candidate) => written.length >= 3 && candidate.startsWith(written.toLowerCase()))
}

/** The hint for a word that is not among `candidates`: the nearest one, or all of them. `what` names them in plural. */
export function suggestion(written: string, candidates: readonly string[], what: string): string | undefined {
  const near = nearest(written, candidates)
  if (near !== undefined) return `did you mean \`${near}\`?`
  if (candidates.length === 0) return undefined
  return `known ${what}: ${candidates.map((candidate) => `\`${candidate}\``).join(', ')}`
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment) between two words. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      )
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (swapped) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return last[b.length] ?? a.length
}
