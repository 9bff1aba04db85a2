import { describe, expect, test } from 'vitest'
import {
  compilePathPattern,
  hasCase,
  normalPathPattern,
  parameterProblem,
  pathPatternCovers,
  pathPatternCoversCased,
  pathPatternKey,
  patternsBeside,
  validatePathPattern,
} from '../../src/plan/patterns/path-pattern.ts'
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

describe('case-sensitively a path pattern matches', () => {
  test.each([
    ['/Info', '/Info', true],
    ['/Info', '/info', false],
    ['/Api/*', '/Api/x', true],
    ['/Api/*', '/api/x', false],
    ['*.Map', '/a.Map', true],
    ['*.Map', '/a.map', false],
  ])('%s against %s: %s', (pattern, path, expected) => {
    expect(compilePathPattern(pattern).cased(path)).toBe(expected)
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
    ['*', '/a/*', true],
    ['*', '*.map', true],
    ['*.map', '*', false],
    ['/', '/a', false],
    ['/', '*.map', false],
    ['/a/*', '/b', false],
    ['/a/', '*/a/', false],
    // A beginning and an end that look alike.
    ['/a/*', '*/a/x', false],
    ['*/', '/a/*', false],
    ['*/a/', '/a/*', false],
    ['/x/a/', '*/a/', false],
  ])('%s over %s: %s', (wide, narrow, expected) => {
    expect(pathPatternCovers(wide, narrow)).toBe(expected)
  })

  test.each([
    ['/A', '/A', true],
    ['/A', '/a', false],
    ['/Api/*', '/Api/x/*', true],
    ['/Api/*', '/api/x/*', false],
    ['*', '/A', true],
    ['/é/*', '/%C3%A9/x', true],
  ])('case-sensitively %s over %s: %s', (wide, narrow, expected) => {
    expect(pathPatternCoversCased(wide, narrow)).toBe(expected)
  })
})

test.each([
  ['/Info', '/Info', '/info'],
  ['/Api/*', '/Api/*', '/api/*'],
  ['*.Map', '*.Map', '*.map'],
  ['*', '*', '*'],
  ['/*', '/*', '/*'],
  ['/priv\u00e9/*', '/priv%C3%A9/*', '/privé/*'],
  ['/PRIV%C3%89', '/PRIV%C3%89', '/privé'],
  // No request can have it, but a file that is imported may.
  ['/A%zz', '/A%zz', '/a%zz'],
])('%s is written %s, and compared as %s', (pattern, normal, key) => {
  expect(normalPathPattern(pattern)).toBe(normal)
  expect(pathPatternKey(pattern)).toBe(key)
  // A second time from its memory.
  expect(normalPathPattern(pattern)).toBe(normal)
})

test.each([
  ['/info', false],
  ['/Info', true],
  ['/%C3%89', true],
  ['/1/*', false],
])('%s has case: %s', (pattern, expected) => {
  expect(hasCase(pattern)).toBe(expected)
})

test.each([
  ['/secret', ['/secret/']],
  ['/secret/', ['/secret']],
  ['/secret/*', ['/secret']],
  ['*.map', ['*.map/']],
  ['*/x', ['*/x/']],
  ['*/', []],
  ['*', []],
  ['/', []],
  ['/*', []],
])('frameworks may treat what %s matches like %j', (pattern, beside) => {
  expect(patternsBeside(pattern)).toEqual(beside)
})

test.each([
  ['/users/:id', '/users/*'],
  ['/users/:id/posts', '/users/*'],
  ['/users/:_i1', '/users/*'],
  ['/users/{id}', '/users/*'],
  ['/users/{*rest}', '/users/*'],
  ['/users/{id:[0-9]+}/posts', '/users/*'],
  ['/users/<id>', '/users/*'],
  ['/users/<int:id>/posts', '/users/*'],
  ['/:id', '/*'],
])('%s has a parameter: %s has not', (pattern, instead) => {
  expect(parameterProblem(pattern)).toEqual({
    problem: 'has a parameter, which is compared literally',
    hint: 'write the path up to it, followed by `/*`',
    instead,
  })
})

test.each([
  '/',
  '/users/*',
  '/users/1:id',
  '/users/:1',
  '/users/:i-d',
  '/users/x{id}',
  '/users/{1}',
  '/users/{id}x',
  '/users/{i/d}',
  '/users/<1>',
  '/users/<id>x',
  '/users/<i/d>',
  '*/:id',
])('%s has no parameter', (pattern) => {
  expect(parameterProblem(pattern)).toBeUndefined()
})

test.each(['/', '/info', '/api/*', '/*', '*', '*.map', '/a.b/*'])('%s is a pattern', (pattern) => {
  expect(validatePathPattern(pattern)).toBeUndefined()
})

test.each([
  ['', 'is empty', undefined],
  ['api', 'does not begin with `/`', '/api'],
  ['.map', 'does not begin with `/`', '/.map'],
  ['http://a.example/x', 'is a URL', '/x'],
  ['https://a.example/x/y', 'is a URL', '/x/y'],
  ['https://a.example/', 'is a URL', '/'],
  // Not URLs of the web, though they look alike.
  ['xhttps://a.example/x', 'does not begin with `/`', '/xhttps://a.example/x'],
  ['http://a.example/x\ny', 'does not begin with `/`', '/http://a.example/x\ny'],
  ['https:///x', 'does not begin with `/`', '/https:///x'],
  ['^/api', 'is a regular expression, which is not supported here', undefined],
  ['~ /api', 'is a regular expression, which is not supported here', undefined],
  ['api.*', 'is a regular expression, which is not supported here', undefined],
  ['(a|b)', 'is a regular expression, which is not supported here', undefined],
  ['/a?b', 'has a query or a fragment', undefined],
  ['/a#b', 'has a query or a fragment', undefined],
  ['/a b', 'contains a space', undefined],
  ['/a*', 'has a misplaced `*`', undefined],
  ['/*/b', 'has a misplaced `*`', undefined],
  ['/a/*/*', 'has a misplaced `*`', undefined],
  ['**', 'has a misplaced `*`', undefined],
  ['*.*', 'has a misplaced `*`', undefined],
  ['*/*', 'has a misplaced `*`', undefined],
  ['/a/**', 'has a misplaced `*`', '/a/*'],
  ['/**', 'has a misplaced `*`', '/*'],
  ['*/a/**', 'has a misplaced `*`', undefined],
  ['/a/**/b', 'has a misplaced `*`', undefined],
  ['/*/**', 'has a misplaced `*`', undefined],
])('%j %s', (pattern, problem, instead) => {
  const invalid = validatePathPattern(pattern)
  expect(invalid).toMatchObject({ problem, hint: expect.stringMatching(/\w/) })
  expect(invalid?.instead).toBe(instead)
})

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
