import { describe, expect, it } from 'vitest'
import { readTargetPath, relativeFilePath, unreadTarget } from '../../src/gateway/request/target-path.ts'

const path = (target: string) => readTargetPath(target)?.path

describe('the request target', () => {
  it.each([
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['/a/b/', '/a/b/'],
    ['/a/./b', '/a/b'],
    ['/a/.', '/a/'],
    ['/a/..', '/'],
    ['/a/b/..', '/a/'],
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
    expect(readTargetPath(target)).toMatchObject({ path: expected, query: '' })
  })

  it('decodes once: a doubly escaped dot stays a name', () => {
    expect(path('/a/%252e%252e/b')).toBe('/a/%252e%252e/b')
  })

  it('keeps double slashes, but for those at the beginning, behind which URL parsers look for a host', () => {
    expect(path('/a//b')).toBe('/a//b')
    expect(path('//a//b')).toBe('/a//b')
    expect(path('/.//a')).toBe('/a')
    expect(path('///')).toBe('/')
    expect(path('/a//../b')).toBe('/a/b')
  })

  it.each([
    ['/a//b', '/a/b'],
    ['/a%2Fb', '/a/b'],
    ['/a%5cb', '/a/b'],
    ['/a/x%2f..%2fb', '/a/b'],
    ['/a/x/..%5cb', '/a/b'],
    ['/a/..;/b', '/b'],
    ['/a;c=d/b', '/a/b'],
    ['/;c/a', '/a'],
    ['/a/b;c', '/a/b'],
    ['/a;b%2Fc', '/a/c'],
    ['/a./b%20/c', '/a/b/c'],
    ['/a/..%20/b', '/b'],
    ['/.../b', '/.../b'],
    ['/a/;', '/a/'],
    ['/a%2f', '/a/'],
    ['/%40a/b%3A%2B', '/@a/b:+'],
    ['/a|b/*', '/a%7Cb/%2A'],
    ['/a%252fb', '/a%252fb'],
    ['/A/B', '/A/B'],
  ])('%s is compared as %s', (target, canonical) => {
    const read = readTargetPath(target)
    expect(read).toMatchObject({ canonical, key: canonical.toLowerCase() })
    expect(readTargetPath(read?.canonical ?? '')).toMatchObject({ path: canonical, canonical, hiddenDots: false })
  })

  it('is compared without the case of letters beyond ASCII, too', () => {
    expect(readTargetPath('/%C3%89')?.key).toBe(readTargetPath('/%C3%A9')?.key)
    expect(readTargetPath('/%E2%84%AA')?.key).toBe('/k')
    expect(readTargetPath('/%FF')?.key).toBe('/%ff')
  })

  it.each(['/..%2Fa', '/a/..%2F..%2Fb', '/..;/a', '/a%5C..%5C..%5Cb', '/..%20'])(
    '%s climbs in some reading',
    (target) => {
      expect(readTargetPath(target)).toBeUndefined()
    },
  )

  it('takes time in proportion to its length, whatever is in it', () => {
    const started = performance.now()
    for (const piece of ['.', ';', '/', '%20', '%2F', ';%2F', './', '%5C.', ';.', 'a.'])
      readTargetPath(`/${piece.repeat(16_000 / piece.length)}x`)
    expect(performance.now() - started).toBeLessThan(1_000)
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
    ['an absolute form with something before it', 'xhttp://app.example/'],
    ['an absolute form of two lines', 'http://app.example/a\n/b'],
  ])('%s is refused', (_what, target) => {
    expect(readTargetPath(target)).toBeUndefined()
  })

  it('leaves the query as it is, but for raw bytes', () => {
    expect(readTargetPath('/a?b=%2e%2E/../c&d=[\\]')).toMatchObject({ path: '/a', query: '?b=%2e%2E/../c&d=[\\]' })
    expect(readTargetPath('/a?\xe9')).toMatchObject({ path: '/a', query: '?%E9' })
    expect(readTargetPath('/?')).toMatchObject({ path: '/', query: '?' })
  })

  it('reads the absolute form, whose authority counts', () => {
    expect(readTargetPath('http://other.example:8080/a/../b?c')).toMatchObject({
      path: '/b',
      query: '?c',
      authority: 'other.example:8080',
    })
    expect(readTargetPath('HTTPS://other.example?c')).toMatchObject({
      path: '/',
      query: '?c',
      authority: 'other.example',
    })
    expect(readTargetPath('http://other.example?/')).toMatchObject({ path: '/', query: '?/' })
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

it('stands as it came in the log where it is refused', () => {
  const path = '/%zz/../A'
  expect(unreadTarget(path)).toEqual({ path, query: '', canonical: path, key: path, hiddenDots: false })
})

describe('the file that a path names', () => {
  it.each([
    ['/', ''],
    ['/a.js', 'a.js'],
    ['/a/b/', 'a/b/'],
    ['/a%20b', 'a b'],
    ['/%C3%A9', 'é'],
    ['/%252e%252e', '%2e%2e'],
    ['/a//b', 'a/b'],
    ['//a', 'a'],
    ['/a.b/c.', 'a.b/c.'],
    ['/.well-known/acme', '.well-known/acme'],
    ['/.well-known/', '.well-known/'],
    ['/%2Ewell-known/a', '.well-known/a'],
  ])('%s is %j', (named, expected) => {
    expect(relativeFilePath(named)).toBe(expected)
  })

  it.each(['/.well-known', '/a/.well-known/b', '/.well-known/.env', '/.well-known-too/a', '/.'])(
    '%s names none, since it is hidden',
    (named) => {
      expect(relativeFilePath(named)).toBeUndefined()
    },
  )

  it.each(['/.env', '/a/.git/config', '/..', '/a%2Fb', '/a%5Cb', '/a%00', '/%FF', '/%C0%AE%C0%AE'])(
    '%s names none',
    (named) => {
      expect(relativeFilePath(named)).toBeUndefined()
    },
  )
})
