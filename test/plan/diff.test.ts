import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { changedSections } from '../../src/plan/diff/diff.ts'
import { processChanges } from '../../src/plan/diff/process-changes.ts'
import type { Plan } from '../../src/plan/model/plan.ts'
import { readPlan } from '../../src/plan/read-plan.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-diff-'))
afterAll(() => rmSync(folder, { recursive: true }))

function plan(text: string, environment: Record<string, string> = {}): Plan {
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(file, text)
  const { plan, diagnostics } = readPlan(file, environment)
  if (!plan) throw new Error(JSON.stringify(diagnostics))
  return plan
}

const before = plan(`
gateway: { routes: [{ path: /a, to: a }] }
processes:
  a: { command: [a], port: 9000 }
  b: { command: [b] }
  c: { command: [c] }
`)

test('an entry that only moved in the file is the same', () => {
  const after = plan(`
# a comment above
processes:
  c: { command: [c] }
  b: { command: [b] }
  a: { port: 9000, command: [a] }
gateway: { routes: [{ path: /a, to: a }] }
`)
  const changes = after.processes.map((process) => {
    const old = before.processes.find(({ name }) => name === process.name)
    return old && processChanges(old, process)
  })
  expect(changes).toEqual([[], [], []])
  expect(changedSections(before, after)).toEqual([])
})

test('the sections that changed are named, and only those among the asked', () => {
  const after = plan(`
gateway: { listeners: { http: { address: ":80" }, admin: { address: ":81" } }, routes: [{ path: /b, to: a }] }
processes:
  a: { command: [a], port: 9000 }
log: { level: debug }
`)
  expect(changedSections(before, after)).toEqual(['gateway', 'log'])
  expect(changedSections(before, after, ['log', 'metrics'])).toEqual(['log'])
})

test('a variable of the name `position` is part of a process', () => {
  const [first] = plan('processes: { a: { command: [a] } }', { position: '1' }).processes
  const [second] = plan('processes: { a: { command: [a] } }', { position: '2' }).processes
  if (!first || !second) throw new Error('one process each')
  expect(processChanges(first, second).map(({ words }) => words)).toEqual(['environment changed (position)'])
  expect(processChanges(first, structuredClone(first))).toEqual([])
})
