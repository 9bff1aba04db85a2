/**
 * Each `test/golden/NAME.yaml` is a config; `NAME.expected` beside it holds what `readPlan` says of it: the diagnostics
 * as `check` prints them, then the parts of the plan that a comment on top of the config asks for.
 *
 *   # environment: NAME=value OTHER=value      what the container sets
 *   # show: processes.0.environment routes     paths into the plan
 *
 * UPDATE_GOLDEN=1 writes the current results: read every line that changed.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostics.ts'
import { disk, type FileFacts } from '../../src/config/file-facts.ts'
import { readPlan } from '../../src/plan/read-plan.ts'

const folder = resolve(import.meta.dirname, '../golden')
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'))

test.each(names)('%s', (name) => {
  const said = say(resolve(folder, name))
  const file = resolve(folder, name.replace(/yaml$/, 'expected'))
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, said)
  expect(said).toBe(readFileSync(file, 'utf8'))
})

test('every expected result belongs to a config', () => {
  const expected = readdirSync(folder).filter((name) => name.endsWith('.expected'))
  expect(expected.map((name) => name.replace(/expected$/, 'yaml')).sort()).toEqual(names.sort())
})

/** The same for every user. */
const facts: FileFacts = { kindOf: disk.kindOf, read: disk.read }

function say(file: string): string {
  const text = readFileSync(file, 'utf8')
  const environment = Object.fromEntries(
    directive(text, 'environment').map((pair) => {
      const [name = '', ...value] = pair.split('=')
      return [name, value.join('=')]
    }),
  )
  const { plan, diagnostics, excluded } = readPlan(relative(process.cwd(), file), environment, facts)
  const lines = diagnostics.map(formatDiagnostic)
  for (const [kind, left] of Object.entries(excluded))
    if (left.length > 0) lines.push(`excluded ${kind}: ${left.join(', ')}`)
  lines.push(plan ? 'plan' : 'no plan')
  for (const path of plan ? directive(text, 'show') : [])
    lines.push(`${path}: ${JSON.stringify(partOf(plan, path), positionsInShort, 2)}`)
  return `${lines.join('\n').replaceAll(folder, '<folder>').replaceAll('test/golden/', '')}\n`
}

function directive(text: string, name: string): readonly string[] {
  const [, words = ''] = new RegExp(`^# ${name}: (.*)$`, 'm').exec(text) ?? []
  return words.split(' ').filter((word) => word !== '')
}

function partOf(plan: unknown, path: string): unknown {
  return path.split('.').reduce((part, step) => (part as Record<string, unknown> | undefined)?.[step], plan)
}

// `line:column` instead of five lines, so that a position that moved is easy to see.
function positionsInShort(key: string, value: unknown): unknown {
  if (key !== 'position') return value
  const { line, column } = value as { line: number; column: number }
  return `${line}:${column}`
}
