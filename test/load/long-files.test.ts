/**
 * Long files, some made to be slow: each of these once took quadratic time, some hours. Measured in CPU time, so that a
 * busy machine does not matter; the bounds are several times what is needed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type PlanReading, readPlan } from '../../src/plan/read-plan.ts'

const route = 'gateway: { routes: [{ path: /*, respond: { status: 200 } }] }\n'
const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n')

function read(text: string): { reading: PlanReading; cpu: number } {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-long-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(file, text)
  const before = process.cpuUsage()
  const reading = readPlan(file, {})
  return { reading, cpu: process.cpuUsage(before).user / 1_000 }
}

const sound: readonly (readonly [what: string, text: string])[] = [
  ['20,000 variables', `${route}environment:\n  set:\n${lines(20_000, (i) => `    V${i}: value${i}`)}`],
  [
    '8,000 variables, each with the one before',
    `${route}environment:\n  set:\n    V0: a\n${lines(8_000, (i) => `    V${i + 1}: "\${V${i}}"`)}`,
  ],
  [
    '10,500 routes',
    `gateway:\n  routes:\n${lines(10_500, (i) => `    - { path: /p${i}/*, respond: { status: 200, body: ok } }`)}`,
  ],
  [
    '1,500 processes with an alias each',
    `environment:\n  set: &shared { A: b }\nprocesses:\n${lines(1_500, (i) => `  p${i}: { command: [sleep], environment: { set: *shared } }`)}`,
  ],
  ['10,000 items of a list', `processes:\n  p:\n    command:\n${lines(10_000, (i) => `      - w${i}`)}`],
  ['a variable of 5 MB', `${route}environment: { set: { A: ${'x'.repeat(5_000_000)} } }`],
]

it.each(sound)('reads in linear time: %s', { timeout: 120_000 }, (_, text) => {
  const { reading, cpu } = read(text)
  expect(reading.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  expect(reading.plan).toBeDefined()
  expect(cpu).toBeLessThan(20_000)
})

it.each([
  ['2,000 unknown keys', `${route}${lines(2_000, (i) => `key${i}: 1`)}`, 2_000],
  [
    '10,000 keys that stand twice',
    `${route}environment:\n  set:\n${lines(20_000, (i) => `    V${i >> 1}: x`)}`,
    10_000,
  ],
  [
    '1,500 invalid routes',
    `gateway:\n  routes:\n${lines(1_500, (i) => `    - { path: /p${i}/*, respnd: { status: 200 } }`)}`,
    1_500,
  ],
])('finds mistakes in linear time: %s', { timeout: 120_000 }, (_, text, errors) => {
  const { reading, cpu } = read(text)
  expect(reading.diagnostics.filter(({ severity }) => severity === 'error').length).toBeGreaterThanOrEqual(errors)
  expect(cpu).toBeLessThan(20_000)
})

it.each([
  [
    'nested lists',
    `${route}environment: ${'['.repeat(20_000)}${']'.repeat(20_000)}`,
    /nested more than 50 levels deep/,
  ],
  [
    'nested mappings',
    `${route}environment: ${'{ a: '.repeat(200)}1${' }'.repeat(200)}`,
    /nested more than 50 levels deep/,
  ],
  ['an endless alias', `${route}environment: &e { set: *e }`, /is inside its own anchor/],
  ['9 MB', `${route}${'# a comment\n'.repeat(800_000)}`, /has \d+ characters; at most 8388608 are allowed/],
  [
    'defaults within defaults',
    `${route}environment: { set: { A: '${'${B:-'.repeat(5_000)}x${'}'.repeat(5_000)}' } }`,
    /nested too deeply/,
  ],
])('says what is too much, and where: %s', { timeout: 60_000 }, (_, text, message) => {
  const { reading } = read(text)
  expect(reading.plan).toBeUndefined()
  const found = reading.diagnostics.find((one) => message.test(one.message))
  expect(found).toBeDefined()
  expect(found?.line).toBeGreaterThan(0)
})

it('says of variables that double each other that they are too long, in place of filling the memory', () => {
  const doubled = lines(39, (i) => `    V${i + 1}: "\${V${i}}\${V${i}}"`)
  const { reading, cpu } = read(`${route}environment:\n  set:\n    V0: a\n${doubled}`)
  const [first] = reading.diagnostics
  expect(first).toMatchObject({
    line: 28,
    message: '`${V23}${V23}` is longer than 8 MiB once its variables are expanded',
  })
  expect(cpu).toBeLessThan(20_000)
})
