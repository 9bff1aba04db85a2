import { describe, expect, it } from 'vitest'
import type { RouteQuery } from '../../src/gateway/route/route-index.ts'
import { createRouter } from '../../src/gateway/route/router.ts'
import type { RouteMatch, RoutePlan } from '../../src/plan/model/plan.ts'
import { compileHostPattern } from '../../src/plan/patterns/host-pattern.ts'
import { compilePathPattern } from '../../src/plan/patterns/path-pattern.ts'
import { planOf } from './support.ts'

function routesOf(matches: readonly RouteMatch[]): readonly RoutePlan[] {
  return planOf({ routes: matches.map((match) => ({ kind: 'file', path: '/', match })) }, []).routes
}

function query(options: Partial<RouteQuery>): RouteQuery {
  return { listener: 'http', host: 'app.example', key: '/', method: 'GET', headers: {}, rawHeaders: [], ...options }
}

function firstMatch(matches: readonly RouteMatch[], options: Partial<RouteQuery>): number {
  return createRouter(routesOf(matches)).match(query(options), -1)
}

describe('the router', () => {
  it('takes the first that matches, also if a later one is more specific', () => {
    expect(firstMatch([{ paths: ['/api/*'] }, { paths: ['/api/users'] }], { key: '/api/users' })).toBe(0)
    expect(firstMatch([{}, { hosts: ['app.example'], paths: ['/'] }], {})).toBe(0)
  })

  it('continues after a given route', () => {
    const router = createRouter(routesOf([{}, { paths: ['/a'] }, {}]))
    expect(router.match(query({}), 0)).toBe(2)
    expect(router.match(query({}), 2)).toBe(-1)
  })

  it('matches /api/* below /api/ and not /api itself', () => {
    expect(firstMatch([{ paths: ['/api/*'] }], { key: '/api' })).toBe(-1)
    expect(firstMatch([{ paths: ['/api/*'] }], { key: '/api/' })).toBe(0)
    expect(firstMatch([{ paths: ['/api/*'] }], { key: '/apis/a' })).toBe(-1)
  })

  it('matches a wildcard host by its labels and never the bare domain', () => {
    expect(firstMatch([{ hosts: ['*.example'] }], { host: 'a.b.example' })).toBe(0)
    expect(firstMatch([{ hosts: ['*.example'] }], { host: 'example' })).toBe(-1)
    expect(firstMatch([{ hosts: ['*.example'] }], { host: 'notexample' })).toBe(-1)
    expect(firstMatch([{ hosts: ['*.example'] }], { host: '.example' })).toBe(-1)
  })

  it('keeps the order between routes of one host, of a wildcard and of any host', () => {
    const matches = [{ hosts: ['*.example'] }, { hosts: ['app.example'] }, {}]
    expect(firstMatch(matches, { host: 'app.example' })).toBe(0)
    expect(firstMatch([...matches].reverse(), { host: 'app.example' })).toBe(0)
    expect(firstMatch(matches, { host: 'other' })).toBe(2)
  })

  it('compares with the case of the path where the query has one', () => {
    const matches = [{ paths: ['/A/*', '*.Map'] }, {}]
    expect(firstMatch(matches, { key: '/a/x', cased: '/A/x' })).toBe(0)
    expect(firstMatch(matches, { key: '/a/x', cased: '/a/x' })).toBe(1)
    expect(firstMatch(matches, { key: '/x.map', cased: '/x.Map' })).toBe(0)
    expect(firstMatch(matches, { key: '/a/x' })).toBe(0)
  })

  it('asks for each part that is given: listener, method', () => {
    expect(firstMatch([{ listeners: ['https'] }, { methods: ['POST'] }, {}], {})).toBe(2)
    expect(firstMatch([{ listeners: ['https'] }, { methods: ['POST'] }, {}], { method: 'POST' })).toBe(1)
  })

  it('takes HEAD for GET, and not the other way round', () => {
    expect(firstMatch([{ methods: ['GET'] }, {}], { method: 'HEAD' })).toBe(0)
    expect(firstMatch([{ methods: ['HEAD'] }, {}], { method: 'GET' })).toBe(1)
    expect(firstMatch([{ methods: ['POST', 'OPTIONS'] }, {}], { method: 'HEAD' })).toBe(1)
  })

  it('finds the same route as trying them one by one, on 300 random plans', () => {
    const random = seeded(20_240_607)
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
    const some = <T>(from: readonly T[]) => (random() < 0.4 ? undefined : [...new Set([pick(from), pick(from)])])
    const patterns = [
      '/',
      '/a',
      '/a/*',
      '/a/b/*',
      '/b',
      '/b/*',
      '*.map',
      '*',
      '/*',
      '/x/*',
      '/a/b',
      '/A/b',
      '/x',
      '*b',
      '*B',
    ]
    const paths = ['/', '/a', '/a/', '/a/b', '/a/b/c', '/b', '/b/x.map', '/x', '/x/y', '/c', '/a//b', '/%2A']
    const hostPatterns = ['app.example', 'example', '*.example', '*.app.example', 'other']
    const hosts = ['app.example', 'example', 'x.app.example', 'other', '', 'unknown']
    for (let plan = 0; plan < 300; plan++) {
      const routes = routesOf(
        Array.from({ length: Math.ceil(random() * 12) }, () => ({
          ...optional('hosts', some(hostPatterns)),
          ...optional('paths', some(patterns)),
          ...optional('methods', some(['GET', 'POST', 'PUT'])),
          ...optional('listeners', some(['http', 'https'])),
        })),
      )
      const router = createRouter(routes)
      for (let ask = 0; ask < 40; ask++) {
        const options = query({ host: pick(hosts), key: pick(paths), method: pick(['GET', 'HEAD', 'POST']) })
        const after = Math.floor(random() * 3) - 1
        expect(router.match(options, after), JSON.stringify({ options, after, routes })).toBe(
          linear(routes, options, after),
        )
      }
    }
  })

  it('builds 2,000 routes in well under a second and still knows their order', () => {
    const routes = routesOf(Array.from({ length: 2_000 }, (_, i) => ({ paths: [i % 2 ? `/r${i}/*` : `/same/${i}`] })))
    const started = performance.now()
    const router = createRouter(routes)
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(router.match(query({ key: '/same/1998' }), -1)).toBe(1_998)
    expect(router.match(query({ key: '/r1999/x' }), -1)).toBe(1_999)
  })
})

function optional<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>)
}

function linear(routes: readonly RoutePlan[], options: RouteQuery, after: number): number {
  return routes.findIndex(
    ({ match: { hosts, paths, methods, listeners } }, index) =>
      index > after &&
      (hosts?.some((pattern) => compileHostPattern(pattern)(options.host)) ?? true) &&
      (paths?.some((pattern) => compilePathPattern(pattern).folded(options.key)) ?? true) &&
      (methods?.some((one) => one === options.method || (one === 'GET' && options.method === 'HEAD')) ?? true) &&
      (listeners?.includes(options.listener) ?? true),
  )
}

/** mulberry32: the same plans in every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

describe('a route that wants headers', () => {
  const routes = [
    {
      headers: [
        { name: 'x-version', pattern: '2*' },
        { name: 'accept', pattern: '*json*' },
      ],
    },
    {},
  ]

  it('is not matched by what every object has', () => {
    const wanting = [{ headers: [{ name: 'constructor', pattern: '*' }] }, {}]
    expect(firstMatch(wanting, { headers: {} })).toBe(1)
  })

  it('matches a request that has all of them', () => {
    expect(firstMatch(routes, { headers: { 'x-version': '2.1', accept: 'application/json' } })).toBe(0)
  })

  it.each([
    ['all values together', { 'x-version': '2, 1' }, [], 0],
    ['a list, as HTTP/2 has it', { 'x-version': ['2', '1'] }, [], 0],
    ['the second of two fields', { 'x-version': '1, 2' }, ['X-Version', '1', 'X-Version', '2'], 0],
    ['neither of two fields', { 'x-version': '1, 3' }, ['X-Version', '1', 'X-Version', '3'], 1],
    ['only another field', { 'x-version': '1' }, ['X-Version', '1', 'X-Versiom', '2', 'X-Versions', '2'], 1],
    ['only a name', { 'x-version': '1' }, ['X-Version', '1', '2', 'X-Version'], 1],
  ])('may match %s', (_, headers, rawHeaders, index) => {
    const wanting = [{ headers: [{ name: 'x-version', pattern: '2*' }] }, {}]
    expect(firstMatch(wanting, { headers, rawHeaders })).toBe(index)
  })

  it('leaves others to the routes below', () => {
    expect(firstMatch(routes, { headers: { 'x-version': '2.1' } })).toBe(1)
    expect(firstMatch(routes, { headers: { 'x-version': '1', accept: 'application/json' } })).toBe(1)
    expect(firstMatch(routes, {})).toBe(1)
  })
})
