/**
 * Whether each of the patterns `narrow` is covered by one of `wide`; `covers` compares two. Absent patterns match
 * everything.
 */
export function everyCovered(
  wide: readonly string[] | undefined,
  narrow: readonly string[] | undefined,
  covers: (wide: string, narrow: string) => boolean,
): boolean {
  if (!wide) return true
  return narrow?.every((one) => wide.some((other) => covers(other, one))) ?? false
}
