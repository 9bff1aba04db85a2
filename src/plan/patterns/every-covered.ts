/**
 * Whether each pattern of one part of a match is covered by one of another's; `covers` tells it of two. An absent part matches
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
