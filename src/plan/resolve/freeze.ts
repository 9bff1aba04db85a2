/** Freezes plain data deeply and returns it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  // No Object.values: a mapping may have a hundred thousand entries.
  for (const key in value) deepFreeze(value[key])
  return value
}
