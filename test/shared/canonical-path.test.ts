import { describe, expect, it, test } from 'vitest'
import {
  canonicalPath,
  foldPath,
  normalizePath,
  pathKey,
  readWrittenPath,
} from '../../src/shared/net/canonical-path.ts'

describe('the canonical form', () => {
  test.each([
    ['/', '/', false],
    ['/a', '/a', false],
    ['/a/b/', '/a/b/', false],
    ['/a.b/..c', '/a.b/..c', false],
    ['//', '/', false],
    ['/a//b', '/a/b', false],
    ['/%2F', '/', false],
    ['/a%2F', '/a/', false],
    ['/a%5Cb', '/a/b', false],
    ['/;x', '/', false],
    ['/a;x/b;y', '/a/b', false],
    ['/a;x/', '/a/', false],
    ['/a%1F%09%20%7F/b', '/a/b', false],
    ['/%20', '/', false],
    ['/a. .%20./b', '/a.%20/b', false],
    ['/.../b', '/.../b', false],
    ['/a%21/b', '/a!/b', false],
    ['/a*b', '/a%2Ab', false],
    // Behind an escaped slash or in front of a parameter, dots are seen only here.
    ['/a%2F.%2Fb', '/a/b', true],
    ['/a/b%2F..%2Fc', '/a/c', true],
    ['/a%2F.', '/a/', true],
    ['/a/b%2F..', '/a/', true],
    ['/a%2F..', '/', true],
    ['/a/.;x', '/a/', true],
    ['/a/..;x/b', '/b', true],
    ['/a/..%20/b', '/b', true],
  ])('of %s is %s', (path, canonical, hiddenDots) => {
    expect(canonicalPath(path)).toEqual({ path: canonical, hiddenDots })
  })

  test.each(['/..;', '/..%2Fa', '/a/..%2F..', '/a%2F..%2F..%2Fb', '/..%20'])('of %s does not exist', (path) => {
    expect(canonicalPath(path)).toBeUndefined()
  })

  test.each([
    ['/a%2Fb', '/a%2Fb', false],
    ['/a%5Cb', '/a%5Cb', false],
    ['/a%2F..%2Fb', '/a%2F..%2Fb', false],
    ['/a/..;x/b', '/b', true],
    ['/a%2F;x', '/a%2F', false],
  ])('of %s is %s where an escaped slash is part of a name', (path, canonical, hiddenDots) => {
    expect(canonicalPath(path, 'kept')).toEqual({ path: canonical, hiddenDots })
  })
})

test.each([
  ['/%41%7e%2D', '/A~-'],
  ['/%2f%c3', '/%2F%C3'],
  ['/%2541', '/%2541'],
  ['/a/b/..', '/a/'],
  ['/a/.', '/a/'],
  ['//a', '/a'],
  ['/%', undefined],
  ['/%%41', undefined],
  ['/%4', undefined],
  ['/%4x', undefined],
  ['/%00', undefined],
  ['/a/../..', undefined],
])('%s is normalized to %s', (path, normal) => {
  expect(normalizePath(path)).toBe(normal)
})

test.each([
  ['/A', '/a'],
  ['/%C3%89', '/é'],
  ['/%c3%89', '/%c3%89'],
  // Letters with two lower-case or two upper-case forms.
  ['/%C5%BF', '/s'],
  ['/%E2%84%AA', '/k'],
  ['/%FFA', '/%ffa'],
  ['/%2FA', '/%2fa'],
])('%s without its case is %s', (path, folded) => {
  expect(foldPath(path)).toBe(folded)
})

describe('a path as people write it', () => {
  test.each([
    ['/a', '/a', '/a'],
    ['/é', '/%C3%A9', '/%C3%A9'],
    ['/\u{1f600}', '/%F0%9F%98%80', '/%F0%9F%98%80'],
    ['/a b', '/a%20b', '/a%20b'],
    ['/a|*', '/a%7C%2A', '/a%7C%2A'],
    ['/%41', '/A', '/A'],
    ['/a/../b', '/a/../b', '/b'],
    ['/a%2Fb', '/a%2Fb', '/a/b'],
  ])('%s is spelled %s and compared as %s', (text, spelling, canonical) => {
    expect(readWrittenPath(text)).toEqual({ spelling, canonical })
  })

  test.each(['/a\\b', '/\ud800', '/%4', '/%00', '/..', '/..%2Fa'])('%j is in no request', (text) => {
    expect(readWrittenPath(text)).toBeUndefined()
  })
})

it('compares what no request can have unchanged', () => {
  expect(pathKey('/A%2Fb')).toBe('/a/b')
  expect(pathKey('/..%2FA')).toBe('/..%2fa')
})
