import { expect, test } from 'vitest'
import { type Diagnostic, formatDiagnostic, sortDiagnostics } from '../../src/config/diagnostics.ts'

const diagnostic: Diagnostic = {
  severity: 'error',
  code: 'unknown-key',
  file: 'config/demo.yaml',
  line: 3,
  col: 7,
  message: 'unknown key `upstrem`',
}

test('a diagnostic reads like those of compilers, with the hint below it', () => {
  expect(formatDiagnostic(diagnostic)).toBe('config/demo.yaml:3:7: error: unknown key `upstrem`')
  expect(formatDiagnostic({ ...diagnostic, severity: 'warning', hint: 'did you mean `upstream`?' })).toBe(
    'config/demo.yaml:3:7: warning: unknown key `upstrem`\n    did you mean `upstream`?',
  )
})

test('diagnostics stand in the order of the file', () => {
  const places = [
    [12, 1],
    [3, 9],
    [3, 7],
  ] as const
  const sorted = sortDiagnostics(places.map(([line, col]) => ({ ...diagnostic, line, col })))
  expect(sorted.map(({ line, col }) => [line, col])).toEqual(places.toReversed())
})
