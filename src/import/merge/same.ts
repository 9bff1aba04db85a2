/** Whether two configuration values mean the same, regardless of notation. */
import { isDeepStrictEqual } from 'node:util'
import { isEntries, type Value } from '../reading.ts'

export function isSame(one: Value | undefined, other: Value | undefined): boolean {
  return isDeepStrictEqual(one === undefined ? one : alike(one), other === undefined ? other : alike(other))
}

/** `3000` equals `"3000"`, and a list of one equals its item; the order of keys does not matter. */
function alike(value: Value): Value {
  if (Array.isArray(value)) return value.length === 1 ? alike(value[0] as Value) : value.map((one: Value) => alike(one))
  if (isEntries(value)) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, alike(one)]))
  return value === null ? value : String(value)
}

/** The keys in which two mappings differ, those of inner mappings as `outer.inner`. */
export function differingKeys(one: Value | undefined, other: Value | undefined): readonly string[] {
  const [ours, theirs] = [isEntries(one) ? one : {}, isEntries(other) ? other : {}]
  const keys = new Set([...Object.keys(ours), ...Object.keys(theirs)])
  return [...keys].flatMap((key) => {
    if (isSame(ours[key], theirs[key])) return []
    const inner = isEntries(ours[key]) && isEntries(theirs[key]) ? differingKeys(ours[key], theirs[key]) : []
    return inner.length > 0 ? inner.map((below) => `${key}.${below}`) : [key]
  })
}
