import { describe, expect, test } from 'vitest'
import { compileHostPattern, hostPatternCovers, validateHostPattern } from '../../src/plan/patterns/host-pattern.ts'

describe('a host pattern matches', () => {
  test.each([
    ['example.com', 'example.com', true],
    ['Example.COM', 'example.com', true],
    ['example.com', 'www.example.com', false],
    ['*.example.com', 'www.example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', '.example.com', false],
    ['*.example.com', 'badexample.com', false],
    ['[::1]', '[::1]', true],
  ])('%s against %s: %s', (pattern, host, expected) => {
    expect(compileHostPattern(pattern)(host)).toBe(expected)
  })
})

describe('a host pattern covers', () => {
  test.each([
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', '*.b.example.com', true],
    ['*.example.com', '*.example.com', true],
    ['*.b.example.com', '*.example.com', false],
    ['*.example.com', 'example.com', false],
    ['a.example.com', '*.example.com', false],
    ['A.example', 'a.EXAMPLE', true],
  ])('%s over %s: %s', (wide, narrow, expected) => {
    expect(hostPatternCovers(wide, narrow)).toBe(expected)
  })
})

test.each(['localhost', 'example.com', '*.example.com', '127.0.0.1', '[::1]', 'my_host'])(
  '%s is a pattern',
  (pattern) => {
    expect(validateHostPattern(pattern)).toBeUndefined()
  },
)

test.each(['', '*', 'https://a', 'a:80', '::1', 'a.*', '*a.b', 'a..b', '-a', 'münchen.de'])('%j is none', (pattern) => {
  expect(validateHostPattern(pattern)?.hint).toMatch(/\w/)
})
