import { findPart, type PartName } from '../scripts/debian-parts.ts'

/**
 * Absolute path of a program that tests run against, or undefined where it is not installed:
 * `describe.skipIf(!part('redis-server'))`. In CI none is missing.
 */
export function part(name: PartName): string | undefined {
  return findPart(name)
}
