/**
 * Each mistake of a first file is reported with its place and a hint; following the hints alone leads to a file that
 * passes.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Diagnostic } from '../../src/config/diagnostics.ts'
import { readPlan } from '../../src/plan/read-plan.ts'
import { advice, mistakes } from './first-mistakes.ts'
import { followHint } from './follow-hint.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-mistakes-'))
afterAll(() => rmSync(folder, { recursive: true }))

function diagnosticsOf(text: string): readonly Diagnostic[] {
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(file, text)
  // A file made by following hints names programs that do not exist.
  return readPlan(file, { HOME: '/home/x' }).diagnostics.filter(
    ({ severity, code }) => severity !== 'note' && code !== 'missing-file' && code !== 'program-unusable',
  )
}

test.each(mistakes)('%s', (_, place, text) => {
  const [first] = diagnosticsOf(text)
  expect(first && `${first.line}:${first.col}`).toBe(place)
  let now = text
  const steps: string[] = []
  for (let left = diagnosticsOf(now); left.length > 0 && steps.length < 6; left = diagnosticsOf(now)) {
    const [next] = left
    if (!next) break
    steps.push(`${next.line}:${next.col} ${next.message} | ${next.hint}`)
    now = followHint(now, next)
  }
  expect([diagnosticsOf(now), now, steps]).toEqual([[], now, steps])
})

test.each(advice)('says what to do: %s', (_, hint, text) => {
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(file, text)
  const { diagnostics } = readPlan(file, { HOME: '/home/x' })
  expect(diagnostics.map(({ hint }) => hint).join('\n')).toContain(hint)
})

test('are at least forty', () => {
  expect(mistakes.length).toBeGreaterThanOrEqual(40)
  expect(new Set(mistakes.map(([name]) => name)).size).toBe(mistakes.length)
})
