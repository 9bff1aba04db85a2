/** A span of time in milliseconds. */
export type Milliseconds = number

const unitInMilliseconds = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, y: 31_536_000_000 } as const

/** A hundred years: longer ones are mistakes. */
export const longestDuration: Milliseconds = 100 * unitInMilliseconds.y

/**
 * Parses `250ms`, `30s`, `1.5m`, `12h`, `7d`, `1y` or a bare `0`. Undefined for anything else: a bare number has no
 * unit.
 */
export function parseDuration(text: string): Milliseconds | undefined {
  if (text === '0') return 0
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|y)$/.exec(text)
  if (!match) return undefined
  return Math.round(Number(match[1]) * unitInMilliseconds[match[2] as keyof typeof unitInMilliseconds])
}

/** Formats seconds from another program's file, clamped to the range that is allowed here. */
export function secondsWritten(seconds: number): string {
  return `${Math.min(Math.max(seconds, 0), longestDuration / unitInMilliseconds.s)}s`
}

/** Formats a span for people: `250ms`, `4.2s`, `3m 20s`, `5h 2m`, `3d 4h`. */
export function formatDuration(span: Milliseconds): string {
  if (Math.round(span) < 1_000) return `${Math.round(span)}ms`
  const tenths = Math.round(span / 100)
  if (tenths < 600) return `${tenths / 10}s`
  const seconds = Math.round(span / 1_000)
  if (seconds < 3_600) return pair(Math.floor(seconds / 60), 'm', seconds % 60, 's')
  if (seconds < 86_400) return pair(Math.floor(seconds / 3_600), 'h', Math.floor((seconds % 3_600) / 60), 'm')
  return pair(Math.floor(seconds / 86_400), 'd', Math.floor((seconds % 86_400) / 3_600), 'h')
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`
}
