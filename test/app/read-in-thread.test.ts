import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readPlanInThread } from '../../src/app/reload/read-in-thread.ts'
import { readPlan } from '../../src/plan/read-plan.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-aside-'))
afterAll(() => rmSync(folder, { recursive: true }))

const list = (count: number, line: (n: number) => string) => Array.from({ length: count }, (_, n) => line(n)).join('\n')

test('what comes piece by piece is what was read, and frozen through and through', async () => {
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(
    file,
    `
gateway:
  routes:
${list(1_203, (n) => `    - { path: /a${n}, respond: { status: 200 } }`)}
processes:
  first: { command: [a], environment: { set: { A: "1" } } }
  long:
    command: [b]
    environment:
      set:
        constructor: c
${list(12_345, (n) => `        V${n}: "${n}"`)}
  last: { command: [c] }
`,
  )
  // A name like any other, where it comes from outside.
  const env: Record<string, string> = JSON.parse('{ "HOME": "/root", "PATH": "/bin", "__proto__": "d" }')
  const { plan, diagnostics } = readPlan(file, env)
  const read = await readPlanInThread({ file, env, create: false })
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  expect(read.diagnostics).toEqual(diagnostics)
  expect(plan).toBeDefined()
  expect(read.plan).toEqual(plan)
  const long = read.plan?.processes.find(({ name }) => name === 'long')
  expect(Object.keys(long?.environment ?? {})).toHaveLength(12_346 + Object.keys(env).length)
  expect(Object.getOwnPropertyDescriptor(long?.environment, '__proto__')?.value).toBe('d')
  expect(isFrozen(read.plan)).toBe(true)
})

function isFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isFrozen)
}
