import { describe, expect, it } from 'vitest'
import { compileValuePattern, valuePatternCovers } from '../../src/plan/patterns/value-pattern.ts'

describe('a pattern for a value', () => {
  it.each([
    ['v2', 'v2', true],
    ['v2', 'V2', false],
    ['v2', 'v21', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['application/*', 'application/json', true],
    ['application/*', 'text/html', false],
    ['*json*', 'application/json; charset=utf-8', true],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'acb', false],
    ['ab*ba', 'aba', false],
    ['a**b', 'ab', true],
    ['a.c', 'abc', false],
    // The strings that Node makes of Latin-1 and of UTF-8 bytes.
    ['ü', '\xfc', true],
    ['ü', '\xc3\xbc', true],
    ['€*', '\xe2\x82\xac 5', true],
    ['*ü', '\xc3\xbc!', false],
    ['ü', 'u', false],
  ])('%s and %s: %s', (pattern, value, expected) => {
    expect(compileValuePattern(pattern)(value)).toBe(expected)
  })

  it('takes no more time than the value is long, whatever it is', () => {
    const matches = compileValuePattern(`${'*a'.repeat(1_000)}b*`)
    const started = performance.now()
    expect(matches('a'.repeat(16_000))).toBe(false)
    expect(performance.now() - started).toBeLessThan(500)
  })

  it.each([
    ['*', 'v2', true],
    ['*', 'v*', true],
    ['v*', 'v2*', true],
    ['v*', '*', false],
    ['v2*', 'v*', false],
    ['v2', 'v2', true],
    ['v2', 'v3', false],
    ['*b*', 'a*b', true],
    ['*b*', 'a*c', false],
  ])('%s covers %s: %s', (wide, narrow, expected) => {
    expect(valuePatternCovers(wide, narrow)).toBe(expected)
  })
})
