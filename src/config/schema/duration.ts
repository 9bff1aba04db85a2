/** Durations as the file may say them. */
import { longestDuration, type Milliseconds, parseDuration } from '../../shared/time/duration.ts'
import { Flaw } from './flaw.ts'

/** Undefined: it is none. */
export function readDuration(written: string): Milliseconds | Flaw | undefined {
  const span = unitFlaw(written) ?? parseDuration(written)
  if (typeof span !== 'number' || span <= longestDuration) return span
  return new Flaw('is longer than any duration may be', 'the longest is `100y`; `10y` is as good as for ever')
}

/** Bare numbers, and the units of other programs: `5min`, `10 s`, `1h30m`. */
function unitFlaw(written: string): Flaw | undefined {
  if (/^[1-9]\d*$/.test(written))
    return new Flaw(
      'has no unit',
      `a duration needs one: write \`${written}s\`, or \`ms\`, \`m\`, \`h\` or \`d\` in its place`,
    )
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(written) ?? []
  const ours = unitNames.find(([names]) => names.includes(unit.toLowerCase()))?.[1]
  return ours === undefined || `${number}${ours}` === written
    ? undefined
    : new Flaw('has its unit written otherwise', `write \`${number}${ours}\``)
}

const unitNames: readonly (readonly [names: readonly string[], ours: string])[] = [
  [['ms', 'msec', 'millis', 'milliseconds'], 'ms'],
  [['s', 'sec', 'secs', 'second', 'seconds'], 's'],
  [['m', 'min', 'mins', 'minute', 'minutes'], 'm'],
  [['h', 'hr', 'hrs', 'hour', 'hours'], 'h'],
  [['d', 'day', 'days'], 'd'],
]
