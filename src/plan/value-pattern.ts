/** Patterns for the values of headers: `*` stands for any text, also none; the rest is compared as it is, case included. */

export function compileValuePattern(pattern: string): (value: string) => boolean {
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return (value) => value === pattern
  return (value) => {
    if (!value.startsWith(head) || !value.endsWith(tail)) return false
    const end = value.length - tail.length
    let from = head.length
    for (const part of rest) {
      const at = value.indexOf(part, from)
      if (at === -1) return false
      from = at + part.length
    }
    return from <= end
  }
}

/** Whether every value that `narrow` matches is matched by `wide`: a `*` of the one can only be met by a `*` of the other. */
export function valuePatternCovers(wide: string, narrow: string): boolean {
  return compileValuePattern(wide)(narrow)
}
