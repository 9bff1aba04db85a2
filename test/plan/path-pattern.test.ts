import { describe, expect, test } from 'vitest'
import { compilePathPattern, pathPatternCovers, validatePathPattern } from '../../src/plan/patterns/path-pattern.ts'
import { pathKey } from '../../src/shared/net/canonical-path.ts'

describe('a path pattern matches', () => {
  test.each([
    ['/info', '/info', true],
    ['/info', '/info/', false],
    ['/info', '/Info', true],
    ['/API/*', '/api/x', true],
    ['*.MAP', '/a.map', true],
    ['/privé/*', '/priv%C3%A9/x', true],
    ['/privé/*', '/PRIV%C3%89/x', true],
    ['/priv%c3%a9/*', '/priv%C3%A9/x', true],
    ['/%7Euser', '/~user', true],
    ['/a|b/*', '/a%7Cb/x', true],
    ['/@me/*', '/%40me/x', true],
    ['/%2A', '/*', true],
    ['/%2A', '/x', false],
    ['/a/*', '//a/x', true],
    ['/a/*', '/x%2F..%2Fa/x', true],
    ['/a/*', '/a;b/x', true],
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
    expect(compilePathPattern(pattern).folded(pathKey(path))).toBe(expected)
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
    ['/A', '/a', true],
    ['/api/*', '/API/x/*', true],
    ['/é/*', '/%C3%A9/x', true],
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
    const invalid = validatePathPattern(pattern)
    expect(invalid?.problem).toMatch(/\w/)
    expect(invalid?.hint).toMatch(/\w/)
  },
)

describe('a pattern that no request could match is refused with the right spelling', () => {
  test.each([
    ['/a%2fb', '/a/b'],
    ['/x%5Cy/*', '/x/y/*'],
    ['/a//b', '/a/b'],
    ['//a/*', '/a/*'],
    ['/a/../b', '/b'],
    ['/a/./b/*', '/a/b/*'],
    ['/a/%2e%2e/b', '/b'],
    ['/a;b/*', '/a/*'],
    ['/a./b', '/a/b'],
    ['/a%20/*', '/a/*'],
    ['*//x', '*/x'],
    ['*;v=1', '*'],
    ['*.js%2F', '*.js/'],
  ])('%s is %s', (pattern, instead) => {
    expect(validatePathPattern(pattern)).toMatchObject({ instead })
    expect(validatePathPattern(instead)).toBeUndefined()
  })

  test.each(['/a\\b', '/a%', '/a%2', '/a%zz', '/a%00', '/..', '/a/../../b', '/\ud800', '*%4'])(
    '%j has none',
    (pattern) => {
      expect(validatePathPattern(pattern)).toMatchObject({ problem: expect.stringContaining('matches no request') })
    },
  )
})
