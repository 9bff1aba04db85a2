import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { changedSections, entryChanges, samePlanEntry } from '../../src/plan/diff.ts'
import { readPlan } from '../../src/plan/read-plan.ts'
import type { Plan } from '../../src/plan/types.ts'

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
  const { came, changed, same, went } = entryChanges(before.processes, after.processes)
  expect([came, changed, went]).toEqual([[], [], []])
  expect(same.map(({ name }) => name)).toEqual(['c', 'b', 'a'])
  expect(changedSections(before, after)).toEqual([])
})

test('what came, changed and went is told apart', () => {
  const after = plan(`
gateway: { listeners: { http: { address: ":80" }, admin: { address: ":81" } }, routes: [{ path: /b, to: a }] }
processes:
  new: { command: [new] }
  b: { command: [b, --more] }
  a: { command: [a], port: 9000 }
log: { level: debug }
`)
  const { came, changed, same, went } = entryChanges(before.processes, after.processes)
  expect(came.map(({ name }) => name)).toEqual(['new'])
  expect(changed.map(({ before, after }) => [before.command, after.command])).toEqual([[['b'], ['b', '--more']]])
  expect(same.map(({ name }) => name)).toEqual(['a'])
  expect(went.map(({ name }) => name)).toEqual(['c'])
  expect(changedSections(before, after)).toEqual(['gateway', 'log'])
  expect(entryChanges(before.gateway.listeners, after.gateway.listeners).came.map(({ name }) => name)).toEqual([
    'admin',
  ])
})

test('a variable of the name `position` is part of a process', () => {
  const [first] = plan('processes: { a: { command: [a] } }', { position: '1' }).processes
  const [second] = plan('processes: { a: { command: [a] } }', { position: '2' }).processes
  if (!first || !second) throw new Error('one process each')
  expect(samePlanEntry(first, second)).toBe(false)
  expect(samePlanEntry(first, structuredClone(first))).toBe(true)
})
