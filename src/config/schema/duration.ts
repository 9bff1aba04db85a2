/** Durations as the file writes them. */
import { longestDuration, type Milliseconds, parseDuration } from '../../shared/time/duration.ts'
import { InvalidValue } from './invalid-value.ts'

/** Undefined: not a duration. */
export function readDuration(written: string): Milliseconds | InvalidValue | undefined {
  const span = invalidUnit(written) ?? parseDuration(written)
  if (typeof span !== 'number' || span <= longestDuration) return span
  return new InvalidValue('is too long', 'the maximum is `100y`')
}

/** Bare numbers, and the units of other programs: `5min`, `10 s`, `1h30m`. */
function invalidUnit(written: string): InvalidValue | undefined {
  if (/^[1-9]\d*$/.test(written))
    return new InvalidValue('has no unit', `write \`${written}s\`, or use \`ms\`, \`m\`, \`h\` or \`d\``)
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(written) ?? []
  const ours = unitNames.find(([names]) => names.includes(unit.toLowerCase()))?.[1]
  return ours === undefined || `${number}${ours}` === written
    ? undefined
    : new InvalidValue('has an unknown unit', `write \`${number}${ours}\``)
}

const unitNames: readonly (readonly [names: readonly string[], ours: string])[] = [
  [['ms', 'msec', 'millis', 'milliseconds'], 'ms'],
  [['s', 'sec', 'secs', 'second', 'seconds'], 's'],
  [['m', 'min', 'mins', 'minute', 'minutes'], 'm'],
  [['h', 'hr', 'hrs', 'hour', 'hours'], 'h'],
  [['d', 'day', 'days'], 'd'],
]
