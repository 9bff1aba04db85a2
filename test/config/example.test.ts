/** "expected a mapping" shows the shortest valid one, for every mapping and list of the schema. */
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import { exampleAt } from '../../src/config/hints/example.ts'
import { configSchema } from '../../src/config/schema/config.ts'
import { conditionSchema } from '../../src/config/schema/environment/condition.ts'
import { alternatives, isMapping } from '../../src/config/schema-walk.ts'
import { withShorthands } from '../../src/config/shorthands.ts'
import type { Located } from '../../src/config/yaml/located.ts'
import { plainValue } from '../../src/config/yaml/located.ts'

const at = { file: 'x', line: 1, column: 1 }
const text = (written: string): Located => ({ kind: 'scalar', at, value: written, written })
const nothing: Located = { kind: 'scalar', at, value: null, written: '' }

function located(value: unknown): Located {
  if (Array.isArray(value)) return { kind: 'list', at, items: value.map(located), lost: false }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, one]) => [key, { keyAt: at, node: located(one) }] as const)
    return { kind: 'mapping', at, entries: new Map(entries), lost: new Set() }
  }
  return text(String(value))
}

/** Every place for a mapping or a list. */
function places(schema: z.ZodType, path: string): [path: string, place: z.ZodType][] {
  const own: [string, z.ZodType][] = alternatives(schema).some((one) => isMapping(one) || one instanceof z.ZodArray)
    ? [[path, schema]]
    : []
  const below = alternatives(schema).flatMap((one) => {
    if (one instanceof z.ZodArray) return places(one.element as z.ZodType, `${path}[]`)
    if (one instanceof z.ZodRecord) return places(one.valueType as z.ZodType, `${path}.NAME`)
    if (!(one instanceof z.ZodObject)) return []
    return Object.entries(one.shape).flatMap(([key, value]) =>
      places(value as z.ZodType, path ? `${path}.${key}` : key),
    )
  })
  return [...own, ...below]
}

const all = places(configSchema, '').filter(([path]) => path !== '')

test.each([...all, ['when', conditionSchema] as [string, z.ZodType]])('%s', (_, place) => {
  for (const found of [text('x y'), text('17'), text('/x'), nothing, located(['x']), located([{ x: 'y' }])]) {
    const example = exampleAt(place, found)
    expect(example).toBeDefined()
    const value = located(parse(String(example)))
    expect([example, place.safeParse(plainValue(withShorthands(place, value))).error?.issues]).toEqual([
      example,
      undefined,
    ])
  }
})

test.each([
  ['gateway.routes[].redirect', '/x', '{ to: /x }'],
  ['gateway.routes[].respond', '404', '{ status: 404 }'],
  ['gateway.routes[].respond', 'gone', '{ body: gone }'],
  ['gateway.routes[].files', './public', '{ root: ./public }'],
  ['gateway.routes[].auth', 'admin', '{ basic: admin }'],
  ['gateway.routes[].rateLimit', '100', '{ requests: 100 }'],
  ['processes.NAME.ready', '/health', '{ http: /health }'],
  ['processes.NAME.stop', '10s', '{ grace: 10s }'],
  ['processes.NAME.stop', 'SIGINT', '{ signal: SIGINT }'],
])('%s: %s becomes %s', (path, written, expected) => {
  const place = all.find(([one]) => one === path)?.[1] as z.ZodType
  expect(exampleAt(place, text(written))).toBe(expected)
})

test('looks at every mapping there is', () => {
  expect(all.length).toBeGreaterThan(60)
})
