/** Findings of an import as lines on stderr. */
import { expect, it } from 'vitest'
import type { Finding } from '../../src/import/reading.ts'
import { findingLines } from '../../src/import/report.ts'

function found(line: number, severity: Finding['severity'], message = 'x'): Finding {
  return { file: 'a', line, column: 1, severity, message }
}

it('a remark that holds at several places is reported at the first, and names each other line once', () => {
  const findings = [found(1, 'changed'), found(1, 'changed'), found(4, 'changed'), found(4, 'changed')]
  expect(findingLines(findings)).toEqual(['a:1:1: changed: x', '    also at a:4'])
})

it('a remark that was made twice of one line is reported once', () => {
  expect(findingLines([found(1, 'note'), found(1, 'note')])).toEqual(['a:1:1: note: x'])
})

it('of many places the first six are named', () => {
  const findings = Array.from({ length: 9 }, (_, index) => found(index + 1, 'note'))
  expect(findingLines(findings)[1]).toBe('    also at a:2, a:3, a:4, a:5, a:6, a:7 and 2 more')
})

it('what is lost is reported at every place', () => {
  expect(findingLines([found(1, 'untranslated'), found(2, 'untranslated')])).toHaveLength(2)
})
