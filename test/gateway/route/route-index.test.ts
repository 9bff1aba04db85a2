/** How few routes a request is tested against; which one it finds is the business of test/gateway/router.test.ts. */
import { expect, test } from 'vitest'
import { createRouteIndex } from '../../../src/gateway/route/route-index.ts'
import type { RouteMatch, RoutePlan } from '../../../src/plan/model/plan.ts'

/** The routes that are tested before none is found. */
function testedFor(matches: readonly RouteMatch[], { host = 'a.example', key = '/' }): readonly number[] {
  const tested: number[] = []
  const candidates = matches.map((match, index) => {
    const matches = () => {
      tested.push(index)
      return false
    }
    return { index, plan: { match } as RoutePlan, matches }
  })
  const query = { listener: 'http', host, key, method: 'GET', headers: {}, rawHeaders: [] }
  expect(createRouteIndex(candidates).first(query, -1)).toBe(-1)
  return tested.sort((one, other) => one - other)
}

const named = (count: number, name: (index: number) => string) => Array.from({ length: count }, (_, i) => name(i))
const hosts = named(8, (i) => `h${i}.example`)
const paths = named(8, (i) => `/p${i}/*`)

test.each<[string, readonly RouteMatch[], { host?: string; key?: string }, readonly number[]]>([
  ['a first segment', [{ paths: ['/a/*'] }, { paths: ['/b/*'] }, { paths: ['/a'] }], { key: '/a/x' }, [0, 2]],
  ['a first segment in capitals', [{ paths: ['/A/*'] }, { paths: ['/b/*'] }], { key: '/a/x' }, [0]],
  ['a segment alone', [{ paths: ['/a/*'] }, { paths: ['/ab'] }, { paths: ['/a'] }], { key: '/a' }, [0, 2]],
  ['the root', [{ paths: ['/'] }, { paths: ['/a'] }], { key: '/' }, [0]],
  ['what is below the root', [{ paths: ['/'] }, { paths: ['/a'] }], { key: '/a' }, [1]],
  ['patterns without a first segment', [{ paths: ['*.map'] }, { paths: ['/*'] }, {}], { key: '/a' }, [0, 1, 2]],
  ['one of its patterns without one', [{ paths: ['/b', '*.map'] }, { paths: ['/b'] }], { key: '/a' }, [0]],
  ['a host', [{ hosts: ['a.example'] }, { hosts: ['b.example'] }, {}], {}, [0, 2]],
  ['wildcards', [{ hosts: ['*.example'] }, { hosts: ['*.other'] }], { host: 'x.a.example' }, [0]],
  ['a host and a segment', [{ hosts: ['a.example'], paths: ['/b'] }, { paths: ['/b'] }], { key: '/a' }, []],
  ['64 pairs', [{ hosts, paths }], { host: 'h1.example', key: '/a' }, []],
  ['more pairs: by hosts alone', [{ hosts, paths: [...paths, '/p/*'] }], { host: 'h1.example', key: '/a' }, [0]],
  ['more pairs of another host', [{ hosts, paths: [...paths, '/p/*'] }], { key: '/p1/x' }, []],
])('a request is tested only against routes of %s', (_, matches, request, expected) => {
  expect(testedFor(matches, request)).toEqual(expected)
})
