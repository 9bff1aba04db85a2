import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import type { Cost } from './kill-again-and-again.ts'

const program = join(import.meta.dirname, 'kill-again-and-again.ts')

/** Kills a supervised service so often, each time after it was ready again, and holds what that may cost. */
export async function expectNoLeak(kills: number): Promise<Cost> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program, String(kills)])
  const cost = JSON.parse(stdout) as Cost
  const { before, after, seen, failures } = cost
  expect(seen).toEqual({ backoff: kills, starting: kills, ready: kills })
  expect(failures).toBe(0)
  expect(after.descriptors).toBe(before.descriptors)
  expect([after.zombies, after.children]).toEqual([0, 1])
  expect(after.resident - before.resident).toBeLessThan(10_000_000)
  return cost
}
