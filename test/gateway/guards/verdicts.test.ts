/** What guards say of a request, without a gateway around them. */
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { describe, expect, it, test } from 'vitest'
import { addressRules } from '../../../src/gateway/guards/addresses.ts'
import { basicAuth } from '../../../src/gateway/guards/basic-auth.ts'
import type { Verdict } from '../../../src/gateway/guards/guard.ts'
import { networkOf, rateLimit } from '../../../src/gateway/guards/rate-limit/rate-limit.ts'
import { isRepeatable, retryAfter } from '../../../src/gateway/proxy/retry.ts'
import type { Exchange } from '../../../src/gateway/request/exchange.ts'
import type { RateLimitKeyPlan } from '../../../src/plan/model/guards.ts'

interface Options {
  readonly client?: string
  readonly method?: string
  readonly headers?: IncomingHttpHeaders
  readonly hasBody?: boolean
}

/** The parts of an exchange that guards look at, and what they replace. */
function exchangeOf({ client = '192.0.2.1', method = 'GET', headers = {}, hasBody = false }: Options) {
  const replaced: [name: string, value: string | null][] = []
  const replaceHeader = (name: string, value: string | null) => replaced.push([name, value])
  const parts = { client, hasBody, request: { method, headers }, replaceHeader }
  return { exchange: parts as unknown as Exchange, replaced }
}

describe('rules about addresses', () => {
  const denied = { status: 403, cause: 'address 192.0.2.1 is denied' }
  const notAllowed = { status: 403, cause: 'address 192.0.2.1 is not allowed' }
  test.each([
    [{}, 'pass'],
    [{ allow: ['192.0.2.0/24'] }, 'pass'],
    [{ allow: ['198.51.100.0/24'] }, notAllowed],
    [{ allow: [] }, notAllowed],
    [{ deny: ['192.0.2.0/24'] }, denied],
    [{ deny: ['198.51.100.0/24'] }, 'pass'],
    [{ deny: ['192.0.2.1/32'], allow: ['192.0.2.0/24'] }, denied],
    [{ deny: ['198.51.100.0/24'], allow: ['192.0.2.0/24'] }, 'pass'],
  ])('%j: %j', (rules, verdict) => {
    expect(addressRules(rules)(exchangeOf({}).exchange)).toEqual(verdict)
  })
})

describe('basic auth', () => {
  const hashOf = (password: string) => createHash('sha256').update(password).digest('hex')
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  const guard = basicAuth(['ops', ''], { ops: hashOf('a:b'), '': hashOf('anonymous'), other: hashOf('x') })
  const headers = ['www-authenticate', 'Basic realm="gatehouse", charset="UTF-8"']
  const wrong = { status: 401, cause: 'wrong user or password', headers }
  const none = { status: 401, cause: 'no user and password', headers }

  test.each([
    ['a user with a colon in the password', basic('ops:a:b'), 'pass'],
    ['the scheme in capitals', basic('ops:a:b').replace('Basic', 'BASIC'), 'pass'],
    ['several blanks', basic('ops:a:b').replace(' ', '   '), 'pass'],
    ['blanks behind it', `${basic('ops:a:b')}  `, 'pass'],
    ['base64 without padding', basic('ops:a:b').replace(/=+$/, ''), 'pass'],
    ['the user without a name', basic(':anonymous'), 'pass'],
    ['a wrong password', basic('ops:a'), wrong],
    ['the password of another', basic('ops:x'), wrong],
    ['a user who may not pass', basic('other:x'), wrong],
    ['an unknown user', basic('unknown:a:b'), wrong],
    ['a name in capitals', basic('OPS:a:b'), wrong],
    ['no colon', basic('ops'), none],
    ['no header', undefined, none],
    ['an empty header', '', none],
    ['the scheme alone', 'Basic', none],
    ['another scheme', basic('ops:a:b').replace('Basic', 'Digest'), none],
    ['another scheme that ends so', `x${basic('ops:a:b')}`, none],
    ['no blank', basic('ops:a:b').replace(' ', ''), none],
    ['something behind it', `${basic('ops:a:b')} x`, none],
    ['too much padding', `${basic('ops:a:b')}===`, none],
  ])('with %s', (_, authorization, verdict) => {
    const { exchange, replaced } = exchangeOf({ headers: authorization === undefined ? {} : { authorization } })
    expect(guard(exchange)).toEqual(verdict)
    expect(replaced).toEqual(verdict === 'pass' ? [['authorization', null]] : [])
  })

  it('refuses a user without a password', () => {
    expect(() => basicAuth(['ops'], { ops: null })).toThrow('user ops has no password')
    expect(() => basicAuth(['ops'], {})).toThrow('user ops has no password')
  })
})

test.each([
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::6', '2001:db8:1:2'],
  ['2001:db8::6', '2001:db8:0:0'],
  ['2001:db8::2:3:4:5:6', '2001:db8:0:2'],
  ['::1', '0:0:0:0'],
  ['::2:3:4:5:6:7:8', '0:2:3:4'],
  ['fe80::', 'fe80:0:0:0'],
  ['::', '0:0:0:0'],
])('%s is counted as the network %s, since a client has all of its addresses', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

describe('a rate limit', () => {
  /** The keys that are counted, and the verdicts when `waits` are given back for them. */
  function limited(by: RateLimitKeyPlan, waits: readonly (number | Promise<number>)[] = []) {
    const keys: string[] = []
    const scopes: string[] = []
    const counter = (scope: string) => {
      scopes.push(scope)
      return (key: string) => {
        keys.push(key)
        return waits[keys.length - 1] ?? 0
      }
    }
    const guard = rateLimit({ requests: 3, window: 60_000, of: 'route', by }, 'a', { counter })
    return { keys, scopes, verdictOn: (options: Options) => guard(exchangeOf(options).exchange) }
  }

  test.each<[string, RateLimitKeyPlan, Options, string]>([
    ['a client', { kind: 'client' }, {}, '192.0.2.1'],
    ['the network of a client', { kind: 'client' }, { client: '2001:db8:1:2:3:4:5:6' }, '2001:db8:1:2'],
    ['a header', { kind: 'header', name: 'x-key' }, { headers: { 'x-key': 'a' } }, 'ha'],
    ['an empty header', { kind: 'header', name: 'x-key' }, { headers: { 'x-key': '' } }, 'h'],
    ['a missing header', { kind: 'header', name: 'x-key' }, { headers: { 'x-keys': 'a' } }, '192.0.2.1'],
    ['a cookie', { kind: 'cookie', name: 'id' }, { headers: { cookie: 'id=a' } }, 'ka'],
    [
      'one of several cookies',
      { kind: 'cookie', name: 'id' },
      { headers: { cookie: 'x=1;  id = a=b ; id=c' } },
      'ka=b',
    ],
    ['an empty cookie', { kind: 'cookie', name: 'id' }, { headers: { cookie: 'id=' } }, 'k'],
    ['a cookie without a value', { kind: 'cookie', name: 'id' }, { headers: { cookie: 'id' } }, '192.0.2.1'],
    ['a cookie whose name is longer', { kind: 'cookie', name: 'id' }, { headers: { cookie: 'xid=a' } }, '192.0.2.1'],
    ['a cookie whose name is cut off', { kind: 'cookie', name: 'i' }, { headers: { cookie: 'id' } }, '192.0.2.1'],
    ['no cookie', { kind: 'cookie', name: 'id' }, {}, '192.0.2.1'],
  ])('counts by %s', (_, by, options, key) => {
    const { keys, scopes, verdictOn } = limited(by)
    expect(verdictOn(options)).toBe('pass')
    expect(keys).toEqual([key])
    expect(scopes).toEqual(['a\n3\n60000\n'])
  })

  test.each([
    [0, 'pass'],
    [1, '1'],
    [1_000, '1'],
    [1_001, '2'],
    [59_999, '60'],
  ])('whose window ends in %i ms: %s', async (wait, expected) => {
    const verdict: Verdict =
      expected === 'pass'
        ? 'pass'
        : { status: 429, cause: 'more than 3 requests in 1m', headers: ['retry-after', expected] }
    const { verdictOn } = limited({ kind: 'client' }, [wait, Promise.resolve(wait)])
    expect(verdictOn({})).toEqual(verdict)
    expect(await verdictOn({})).toEqual(verdict)
  })
})

test.each([
  ['GET', false, true],
  ['HEAD', false, true],
  ['OPTIONS', false, true],
  ['TRACE', false, true],
  ['PUT', false, true],
  ['DELETE', false, true],
  ['PUT', true, false],
  ['POST', false, false],
  ['PATCH', false, false],
  ['get', false, false],
])('%s, with a body: %s, may be sent again: %s', (method, hasBody, expected) => {
  expect(isRepeatable(exchangeOf({ method, hasBody }).exchange)).toBe(expected)
})

it('tells clients to try again after whole seconds', () => {
  expect(retryAfter).toMatch(/^[1-9]\d*$/)
})
