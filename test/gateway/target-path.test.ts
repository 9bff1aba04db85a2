import { describe, expect, it } from 'vitest'
import { readTargetPath, relativeFilePath } from '../../src/gateway/target-path.ts'

const path = (target: string) => readTargetPath(target)?.path

describe('the request target', () => {
  it.each([
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['/a/b/', '/a/b/'],
    ['/a/./b', '/a/b'],
    ['/a/.', '/a/'],
    ['/a/..', '/'],
    ['/a/../b', '/b'],
    ['/a/b/../../c', '/c'],
    ['/%61%7E%2d', '/a~-'],
    ['/a/%2e/b', '/a/b'],
    ['/a/%2E%2e/b', '/b'],
    ['/a/.%2e/b', '/b'],
    ['/a%2fb', '/a%2Fb'],
    ['/a%5cb', '/a%5Cb'],
    ['/a%20b', '/a%20b'],
    ['/...', '/...'],
    ['/a/..b/c.', '/a/..b/c.'],
    ['/%C3%a9', '/%C3%A9'],
    ['/\xc3\xa9', '/%C3%A9'],
  ])('%s is matched and forwarded as %s', (target, expected) => {
    expect(path(target)).toBe(expected)
  })

  it('decodes once: a doubly escaped dot stays a name', () => {
    expect(path('/a/%252e%252e/b')).toBe('/a/%252e%252e/b')
  })

  it('keeps double slashes: to some upstreams they mean something', () => {
    expect(path('//a//b')).toBe('//a//b')
    expect(path('/a//../b')).toBe('/a/b')
  })

  it.each(['/..', '/../a', '/a/../../b', '/%2e%2e/a', '/.%2e', '/a/%2e%2e/%2e%2e/b'])(
    '%s climbs above the root',
    (t) => {
      expect(readTargetPath(t)).toBeUndefined()
    },
  )

  it.each([
    ['a NUL', '/a%00b'],
    ['a raw backslash', '/a\\b'],
    ['half an escape', '/a%2'],
    ['a lone percent sign', '/%'],
    ['an escape that is none', '/%zz'],
    ['a fragment', '/a#b'],
    ['a control character', '/a\x01b'],
    ['a space', '/a b'],
    ['a delete character', '/a\x7f'],
    ['nothing', ''],
    ['an asterisk', '*'],
    ['a relative path', 'a/b'],
    ['an authority', 'app.example:443'],
    ['another scheme', 'ftp://app.example/'],
    ['a tab in the query', '/a?\t'],
  ])('%s is refused', (_what, target) => {
    expect(readTargetPath(target)).toBeUndefined()
  })

  it('leaves the query as it is, but for raw bytes', () => {
    expect(readTargetPath('/a?b=%2e%2E/../c&d=[\\]')).toEqual({ path: '/a', query: '?b=%2e%2E/../c&d=[\\]' })
    expect(readTargetPath('/a?\xe9')).toEqual({ path: '/a', query: '?%E9' })
    expect(readTargetPath('/?')).toEqual({ path: '/', query: '?' })
  })

  it('reads the absolute form, whose authority counts', () => {
    expect(readTargetPath('http://other.example:8080/a/../b?c')).toEqual({
      path: '/b',
      query: '?c',
      authority: 'other.example:8080',
    })
    expect(readTargetPath('HTTPS://other.example?c')).toEqual({ path: '/', query: '?c', authority: 'other.example' })
    expect(readTargetPath('http:///a')).toBeUndefined()
    expect(readTargetPath('http://other.example/', 'origin-form')).toBeUndefined()
  })

  it('is the same read twice: no second reader can differ', () => {
    for (const target of ['/a/%2E/b', '/%61/../c%2f', '/\xc3\xa9/./x', '//a', '/%7e%25']) {
      const once = path(target) ?? ''
      expect(path(once)).toBe(once)
    }
  })
})

describe('the file that a path names', () => {
  it.each([
    ['/', ''],
    ['/a.js', 'a.js'],
    ['/a/b/', 'a/b/'],
    ['/a%20b', 'a b'],
    ['/%C3%A9', 'é'],
    ['/%252e%252e', '%2e%2e'],
  ])('%s is %j', (named, expected) => {
    expect(relativeFilePath(named)).toBe(expected)
  })

  it.each(['/.env', '/a/.git/config', '/..', '/a//b', '//a', '/a%2Fb', '/a%5Cb', '/a%00', '/%FF', '/%C0%AE%C0%AE'])(
    '%s names none',
    (named) => {
      expect(relativeFilePath(named)).toBeUndefined()
    },
  )
})
