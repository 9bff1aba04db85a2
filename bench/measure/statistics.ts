/** Of an even number of values the mean of the middle two; of none NaN. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** The value below which this share (0 to 1) of the values lies, by the nearest rank; of none NaN. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** A ratio in each round, with its median and its extremes. */
export interface Ratio {
  readonly median: number
  readonly lowest: number
  readonly highest: number
}

/**
 * The ratio of ours to theirs, round by round: both values of a round are measured within seconds of each other, so
 * that a machine which slows down slows both. Rounds in which one is missing (undefined or NaN) do not count;
 * undefined if none is left.
 */
export function ratioOf(
  ours: readonly (number | undefined)[],
  theirs: readonly (number | undefined)[],
): Ratio | undefined {
  const ratios = ours.flatMap((value, round) => {
    const ratio = (value ?? Number.NaN) / (theirs[round] ?? Number.NaN)
    return Number.isFinite(ratio) ? [ratio] : []
  })
  if (ratios.length === 0) return undefined
  return { median: median(ratios), lowest: Math.min(...ratios), highest: Math.max(...ratios) }
}
