import { expect, test } from 'vitest'
import { compareWithCaddy } from '../../src/import/caddy/compare-with-caddy.ts'
import { merge } from '../../src/import/merge/merge.ts'
import { differingKeys, isSame } from '../../src/import/merge/same.ts'

test('values that mean the same are the same, however they are written', () => {
  expect(isSame({ a: 3000, b: ['x'] }, { b: 'x', a: '3000' })).toBe(true)
  expect(isSame(['a', 'b'], ['b', 'a'])).toBe(false)
  expect(isSame(undefined, null)).toBe(false)
  expect(differingKeys({ a: 1, b: { c: 1, d: 2 } }, { a: '1', b: { c: 2, d: 2 } })).toEqual(['b.c'])
})

test('two files that say the same of one process do not say something else', () => {
  const reading = (port: string | number) => ({
    config: { processes: { api: { command: ['serve'], port } } },
    comments: [],
    findings: [],
  })
  const merged = merge([
    { file: 'one', reading: reading(3000) },
    { file: 'two', reading: reading('3000') },
  ])
  expect(merged.findings).toEqual([])
  expect(
    merge([
      { file: 'one', reading: reading(3000) },
      { file: 'two', reading: reading(3001) },
    ]).findings,
  ).toHaveLength(1)
})

test('where Caddy has another route, it is never shown as the same', () => {
  const route = { path: '/a', respond: { body: 'hi' }, response: { headers: { 'X-A': 'one' } } }
  const ours = {
    config: { gateway: { listeners: { http: { address: ':80' } }, routes: [route] } },
    comments: [],
    findings: [],
  }
  const adapted = JSON.stringify({
    apps: {
      http: {
        servers: {
          srv0: {
            listen: [':80'],
            routes: [{ match: [{ path: ['/a'] }], handle: [{ handler: 'static_response', body: 'hi' }] }],
          },
        },
      },
    },
  })
  const [finding] = compareWithCaddy('f', ours, adapted, {})
  const [, theirs, own] = /it has (.*) where the new file has (.*)$/.exec(finding?.message ?? '') ?? []
  expect(finding?.message).toMatch(/not the same `response|where the new file has/)
  if (theirs !== undefined) expect(theirs).not.toBe(own)
})
