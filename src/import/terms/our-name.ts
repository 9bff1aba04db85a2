/** A name as processes may have it: lower-case letters, digits, `-` and `_`. */
export function ourName(theirs: string): string {
  return (
    theirs
      .toLowerCase()
      .replace(/[^a-z0-9_-]+/g, '-')
      .replace(/^[-_]+/, '') || 'process'
  )
}
