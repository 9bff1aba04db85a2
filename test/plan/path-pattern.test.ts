import { describe, expect, test } from 'vitest'
import { compilePathPattern, pathPatternCovers, validatePathPattern } from '../../src/plan/path-pattern.ts'

describe('a path pattern matches', () => {
  test.each([
    ['/info', '/info', true],
    ['/info', '/info/', false],
    ['/info', '/Info', false],
    ['/api/*', '/api/', true],
    ['/api/*', '/api/v1/users', true],
    ['/api/*', '/api', false],
    ['/api/*', '/apix/y', false],
    ['*.map', '/static/a.js.map', true],
    ['*.map', '/map', false],
    ['*', '/', true],
    ['/*', '/any/thing', true],
    ['/', '/', true],
    ['/', '/x', false],
  ])('%s against %s: %s', (pattern, path, expected) => {
    expect(compilePathPattern(pattern)(path)).toBe(expected)
  })
})

describe('a path pattern covers', () => {
  test.each([
    ['*', '/a', true],
    ['/*', '*', true],
    ['/*', '*.map', true],
    ['/api/*', '/api/v1/*', true],
    ['/api/*', '/api/x', true],
    ['/api/*', '/api', false],
    ['/api/v1/*', '/api/*', false],
    ['/api/*', '*.map', false],
    ['*.map', '*.js.map', true],
    ['*.map', '/a.map', true],
    ['*.map', '/a/*', false],
    ['/a', '/a', true],
    ['/a', '/a/*', false],
  ])('%s over %s: %s', (wide, narrow, expected) => {
    expect(pathPatternCovers(wide, narrow)).toBe(expected)
  })
})

test.each(['/', '/info', '/api/*', '/*', '*', '*.map', '/a.b/*'])('%s is a pattern', (pattern) => {
  expect(validatePathPattern(pattern)).toBeUndefined()
})

test.each(['', 'api', '/a*', '/*/b', '**', '*.*', '/a?b', '/a#b', '/a b'])(
  '%j is none, and says what would be',
  (pattern) => {
    const flaw = validatePathPattern(pattern)
    expect(flaw?.problem).toMatch(/\w/)
    expect(flaw?.mend).toMatch(/\w/)
  },
)
