/** Freezes plain data through and through, and returns it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  // Without a list of the parts: a mapping may have a hundred thousand.
  for (const key in value) deepFreeze(value[key])
  return value
}
