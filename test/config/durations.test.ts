/**
 * Every option that takes a duration, as the JSON schema has them, with every duration from a millisecond to ten years.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { disk } from '../../src/config/file-facts.ts'
import { configJsonSchema } from '../../src/config/json-schema.ts'
import { readPlan } from '../../src/plan/read-plan.ts'

type Tree = { [key: string]: unknown }

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-durations-'))
afterAll(() => rmSync(folder, { recursive: true }))
const upstream = { targets: ['http://127.0.0.1:9'] }
const task = { kind: 'task', command: ['true'], schedule: '0 3 * * *' }
const forward = { forward: 'http://127.0.0.1:9/auth' }

/** What an option needs around it; `*` is called `a`. */
const around: Readonly<Record<string, Tree>> = {
  'control.dashboard': { path: '/ops', auth: forward },
  'gateway.routes.0': { path: '/', to: 'http://127.0.0.1:9' },
  'gateway.routes.0.auth': forward,
  'gateway.routes.0.rateLimit': { requests: 1 },
  'gateway.rateLimit': { requests: 1 },
  'hooks.0': { on: 'failed', run: ['true'] },
  'processes.a': { command: ['true'] },
  'processes.a.alive': { tcp: 9 },
  'processes.a.ready': { tcp: 9 },
  'processes.a.startup': { tcp: 9 },
  'processes.a.backup': { files: join(folder, 'a-*.dump') },
  shutdown: { budget: '99y' },
  'processes.a.limits.cpuTime': { soft: '1s', hard: 'unlimited' },
  'upstreams.a': upstream,
  'upstreams.a.health': { http: '/' },
}

const spans = ['1ms', '1s', '2147483647ms', '2147483648ms', '30d', '9999999s', '1y', '10y']

/** Durations that some options refuse, and why: they could have no effect. */
const refused: Readonly<Record<string, RegExp>> = {
  'processes.*.limits.cpuTime 1ms': /not a whole number of seconds/,
  'processes.*.limits.cpuTime 2147483647ms': /not a whole number of seconds/,
  'processes.*.limits.cpuTime 2147483648ms': /not a whole number of seconds/,
}

/** Paths of all options that take a duration: `processes.*.stop.grace`. */
function durationOptions(schema: Tree): string[] {
  const found = new Set<string>()
  const walk = (node: unknown, path: readonly string[], within: readonly unknown[]): void => {
    if (typeof node !== 'object' || node === null || within.includes(node)) return
    const { $ref, anyOf, oneOf, allOf, properties, additionalProperties, items } = node as Tree
    const inside = [...within, node]
    if (typeof $ref === 'string') {
      const target = $ref
        .slice(2)
        .split('/')
        .reduce<unknown>((part, key) => (part as Tree)[key], schema)
      walk(target, path, inside)
    }
    for (const one of [anyOf, oneOf, allOf].flat()) {
      if (/\(ms\|s\|m\|h\|d\|y\)/.test(String((one as Tree | undefined)?.pattern))) found.add(path.join('.'))
      walk(one, path, inside)
    }
    for (const [key, value] of Object.entries((properties ?? {}) as Tree)) walk(value, [...path, key], inside)
    walk(additionalProperties, [...path, '*'], inside)
    walk(items, [...path, '0'], inside)
  }
  walk(schema, [], [])
  // A list with one item may be written as that item.
  const listed = new Set([...found].filter((path) => path.includes('.0')).map((path) => path.replaceAll('.0', '')))
  return [...found].filter((path) => !listed.has(path)).sort()
}

function configWith(option: string, span: string): Tree {
  const config: Tree = {
    storage: join(folder, 'storage'),
    control: { socket: join(folder, 'control.sock') },
    gateway: { listeners: { a: { address: '127.0.0.1:0' } }, routes: [{ path: '/x', redirect: { to: '/y' } }] },
  }
  const steps = option.replaceAll('*', 'a').split('.')
  let at = config
  for (const [index, step] of steps.slice(0, -1).entries()) {
    const path = steps.slice(0, index + 1).join('.')
    const isList = steps[index + 1] === '0'
    const next = (at[step] ?? (isList ? [] : {})) as Tree
    Object.assign(next, structuredClone(around[path] ?? {}))
    if (path === 'processes.a' && option.includes('.backup.')) Object.assign(next, task)
    if (path === 'processes.a' && option.endsWith('.drain'))
      Object.assign(next, { port: 'auto', ready: { tcp: '{port}' } })
    if (path === 'processes.a.restart' && option.endsWith('.drain')) next.style = 'rolling'
    if (path === 'gateway.routes.0') delete next.redirect
    if (path === 'gateway.listeners.a' && option.includes('hsts')) {
      next.tls = true
      config.certificates = [{ domains: ['localhost'], use: [{ internal: {} }] }]
    }
    if (path === 'upstreams.a') config.gateway = { ...(config.gateway as Tree), routes: [{ path: '/', to: 'a' }] }
    at[step] = next
    at = next
  }
  at[steps.at(-1) ?? ''] = span
  return config
}

function errorsOf(option: string, span: string): string[] {
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(file, JSON.stringify(configWith(option, span)))
  const { diagnostics } = readPlan(file, { PATH: '/usr/bin:/bin' }, { kindOf: disk.kindOf, read: disk.read })
  return diagnostics.filter(({ severity }) => severity === 'error').map(({ message, hint }) => `${message} (${hint})`)
}

const options = durationOptions(configJsonSchema() as Tree)

it('finds the options', () => {
  expect(options.length).toBeGreaterThan(35)
  expect(options).toContain('processes.*.stop.grace')
})

describe.each(options)('%s', (option) => {
  it('takes any duration from a millisecond to ten years, and says why if not', () => {
    for (const span of spans) {
      const reason = refused[`${option.replace(/\.(hard|soft)$/, '')} ${span}`]
      const errors = errorsOf(option, span)
      if (reason) expect(errors.join()).toMatch(reason)
      else expect(errors, span).toEqual([])
    }
  })

  it('says so if it is too long', () => {
    expect(errorsOf(option, '101y').join()).toMatch(/is too long \(the maximum is `100y`/)
  })
})
