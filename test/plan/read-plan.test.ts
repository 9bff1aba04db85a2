import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { disk, type FileFacts } from '../../src/config/file-facts.ts'
import { readPlan } from '../../src/plan/read-plan.ts'

const golden = join(import.meta.dirname, '../golden')
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-plan-'))
afterAll(() => rmSync(folder, { recursive: true }))

function onlyFile(text: string): FileFacts {
  return { kindOf: (path) => (path === '/virtual/gatehouse.yaml' ? 'file' : 'absent'), read: () => text }
}

test('a plan is frozen through and through', () => {
  const { plan } = readPlan(join(golden, 'every-option.yaml'), { DOMAIN: 'example.com', APP_NAME: 'x' })
  const thawed: string[] = []
  const visit = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null) return
    if (!Object.isFrozen(value)) thawed.push(path)
    for (const [key, part] of Object.entries(value)) visit(part, `${path}.${key}`)
  }
  visit(plan, 'plan')
  expect(plan?.processes).toHaveLength(5)
  expect(thawed).toEqual([])
})

test('a plan crosses into a thread as it is', () => {
  const { plan } = readPlan(join(golden, 'every-option.yaml'), { DOMAIN: 'example.com' })
  expect(plan).toBeDefined()
  expect(structuredClone(plan)).toEqual(plan)
})

test('a file that is not there is one diagnostic, with the name as it was given', () => {
  const { plan, diagnostics } = readPlan('no/such.yaml', {})
  expect(plan).toBeUndefined()
  expect(diagnostics).toEqual([
    {
      severity: 'error',
      code: 'file-unreadable',
      file: 'no/such.yaml',
      line: 1,
      col: 1,
      message: 'no such file',
      hint: 'create it, or name another one: `gatehouse check FILE`; docs/getting-started.md has an example',
    },
  ])
})

test('a folder is not read as a file', () => {
  const { diagnostics } = readPlan(folder, {})
  expect(diagnostics.map(({ message }) => message)).toEqual(['this is a folder, not a config file'])
})

test('warnings and notes do not keep a plan from being made', () => {
  const { plan, diagnostics } = readPlan(
    join(golden, 'excluded-by-when.yaml'),
    { ON: '1', MODE: 'production' },
    { kindOf: disk.kindOf, read: disk.read }, // which programs this machine has is another matter
  )
  expect(diagnostics.map(({ severity }) => severity)).toEqual(['note', 'note'])
  expect(plan).toBeDefined()
})

test('no diagnostic holds the value of a variable', () => {
  const { diagnostics } = readPlan(join(golden, 'secrets-are-never-printed.yaml'), {
    SECRET: 'hunter2',
    PW: '(hunter2',
  })
  expect(diagnostics.length).toBeGreaterThan(25)
  expect(JSON.stringify(diagnostics)).not.toContain('hunter2')
})

test('the disk is read only through the given facts', () => {
  const { diagnostics } = readPlan(
    '/virtual/gatehouse.yaml',
    {},
    onlyFile('gateway: { routes: [{ file: /etc/passwd }] }'),
  )
  expect(diagnostics.map(({ code }) => code)).toEqual(['missing-file'])
})

test('relative paths are relative to the folder of the file, wherever it is read from', () => {
  writeFileSync(join(folder, 'page.html'), 'hello')
  writeFileSync(join(folder, 'gatehouse.yaml'), 'gateway: { routes: [{ file: page.html }] }')
  const { plan } = readPlan(join(folder, 'gatehouse.yaml'), {})
  expect(plan?.gateway.routes[0]?.handler).toEqual({ kind: 'file', path: join(folder, 'page.html') })
})

test('keys that every object has are names like any other', () => {
  const text =
    'processes: { constructor: { command: [x] }, a: { command: ["${toString:-unset}"], dependsOn: { hasownproperty: ready } } }'
  const { diagnostics } = readPlan('/virtual/gatehouse.yaml', {}, onlyFile(text))
  expect(diagnostics.map(({ message }) => message)).toEqual(['`a` depends on `hasownproperty`, which is not a process'])
})

test('a key that zod would step over is refused', () => {
  const { diagnostics } = readPlan(
    '/virtual/gatehouse.yaml',
    {},
    onlyFile('processes: { __proto__: { command: [x] } }'),
  )
  expect(diagnostics.map(({ line, col, message }) => [line, col, message])).toContainEqual([
    1,
    14,
    'this cannot be a key',
  ])
})

test('line ends of Windows and a byte order mark move no position', () => {
  const text = '\uFEFFprocesses:\r\n  a:\r\n    comand: [x]\r\n'
  const { diagnostics } = readPlan('/virtual/gatehouse.yaml', {}, onlyFile(text))
  expect(diagnostics.map(({ line, col, message }) => [line, col, message])).toEqual([[3, 5, 'unknown key `comand`']])
})

test.each([
  '!',
  '{',
  '%',
  '&a',
  '*a',
  '- - -',
  '? ',
  '\0',
  'a: !!binary x',
  '!!set {a}',
  '"\\x"',
  '<<: *x',
  'when: { env: X }',
])('no text makes it throw: %j', (text) => {
  const { plan, diagnostics } = readPlan('/virtual/gatehouse.yaml', {}, onlyFile(text))
  expect(plan).toBeUndefined()
  expect(diagnostics.length).toBeGreaterThan(0)
})
