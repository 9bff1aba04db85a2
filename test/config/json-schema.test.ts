import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import { configJsonSchema } from '../../src/config/json-schema.ts'

const golden = join(import.meta.dirname, '../golden')
const schema = z.fromJSONSchema(configJsonSchema() as Parameters<typeof z.fromJSONSchema>[0])
const withPlan = readdirSync(golden).filter((name) => {
  if (!name.endsWith('.yaml')) return false
  return /^plan$/m.test(readFileSync(join(golden, name.replace(/yaml$/, 'expected')), 'utf8'))
})

test.each(withPlan)('an editor accepts %s, which has a plan', (name) => {
  const result = schema.safeParse(parse(readFileSync(join(golden, name), 'utf8')))
  expect(result.error?.issues).toBeUndefined()
})

test.each([
  ['an unknown key', { gatway: {} }],
  ['an unknown key deep inside', { processes: { a: { command: ['x'], ready: { htpp: '/' } } } }],
  ['an unknown condition', { processes: { a: { command: ['x'], when: { envv: 'X' } } } }],
  ['a command that is a number', { processes: { a: { command: 1 } } }],
  ['a duration without unit', { shutdown: { budget: 30 } }],
  ['a port that is a word', { processes: { a: { command: ['x'], port: 'http' } } }],
  ['a level that is none', { log: { level: 'loud' } }],
])('an editor marks %s', (_, config) => {
  expect(schema.safeParse(config).success).toBe(false)
})

test('numbers, words and switches may come from variables', () => {
  const process = { command: ['x'], port: '${PORT}', kind: '${KIND}', essential: '${E}', stop: { grace: '${G}' } }
  expect(schema.safeParse({ processes: { a: process } }).error?.issues).toBeUndefined()
})

test('the generated file is fresh', () => {
  const script = join(import.meta.dirname, '../../scripts/generate.ts')
  const { status, stderr } = spawnSync(globalThis.process.execPath, [script, '--check'], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
})
