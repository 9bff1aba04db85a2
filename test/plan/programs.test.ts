/**
 * Programs and scripts that are not on this machine are warnings with a place, since the file may be for another one.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostics.ts'
import { readPlan } from '../../src/plan/read-plan.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-programs-'))
afterAll(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'here.js'), '')
writeFileSync(join(folder, 'tool'), '#!/no/such/shell\n', { mode: 0o755 })

/** The diagnostics of `check`, one per line, without the file name. */
function warningsOf(config: string, environment: Readonly<Record<string, string>> = {}): string[] {
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(file, config)
  const { plan, diagnostics } = readPlan(file, { PATH: '/usr/bin:/bin', ...environment })
  expect(plan).toBeDefined()
  return diagnostics.map((one) => formatDiagnostic(one).replace(`${file}:`, '').replace(/\n\s+/g, ' | '))
}

it('missing programs of processes, probes, hooks and DNS are warnings with their places', () => {
  const absent = 'was not found in its PATH | install it where this file will run, or correct the command'
  expect(
    warningsOf(`
processes:
  a: { command: [no-such-a], ready: { exec: [no-such-b] } }
  b: { command: [./tool], alive: { exec: [sh, -c, true] } }
hooks: [{ on: fatal, run: [no-such-c] }]
certificates: [{ domains: ["*.a.example"], use: [acme: { dns: { run: [./no-such-d] } }] }]
`),
  ).toEqual([
    `3:18: warning: the program \`no-such-a\` ${absent}`,
    `3:46: warning: the program \`no-such-b\` ${absent}`,
    '4:18: warning: the program `./tool` is there, but the interpreter of its first line, /no/such/shell, does not exist | create it, or correct the path; paths of a command are relative to `directory`, by default the folder of this file',
    `5:28: warning: the program \`no-such-c\` ${absent}`,
    '6:71: warning: the program `./no-such-d` does not exist | create it, or correct the path; paths of a command are relative to `directory`, by default the folder of this file',
  ])
})

it('a command in one word gets the right spelling', () => {
  expect(warningsOf('processes: { api: { command: ["sh api/server.sh", --port=1] } }\n')).toEqual([
    '1:31: warning: the program `sh api/server.sh` does not exist | write each word as an item: `[sh, api/server.sh, --port=1]`',
  ])
})

it('a missing script of an interpreter is reported; what cannot be known is not', () => {
  expect(
    warningsOf(`
processes:
  a: { command: [sh, gone.sh] }
  b: { command: [sh, ./here.js] }
  c: { command: [sh, -c, "exit 1"] }
  d: { command: [sh, "{port}"], port: 9000 }
  e: { command: [env, gone.sh] }
`),
  ).toEqual([
    '3:22: warning: the script `gone.sh` does not exist | create it, or correct the path; paths of a command are relative to `directory`, by default the folder of this file',
  ])
})

it('the PATH of the process itself counts, and no value of a variable is reported', () => {
  const config = `
processes:
  a: { command: ["\${TOOL}", "\${SCRIPT}"], environment: { set: { PATH: ${folder} } } }
`
  const [only, ...more] = warningsOf(config, { TOOL: 'secret-name', SCRIPT: 'x' })
  expect(more).toEqual([])
  expect(only).toBe(
    '3:18: warning: the program `${TOOL}` was not found in its PATH | install it where this file will run, or correct the command',
  )
})

it('a variable or word that is too long for execve is a warning, where the program could not start (E2BIG)', () => {
  const long = 'x'.repeat(131_070)
  const tooLong = (bytes: number) =>
    `has ${bytes} bytes; Linux allows at most 131071 in one argument or variable | have the program read it from a file`
  const file = `processes:\n  a: { command: [cat, "\${LONG}"], environment: { set: { A: "\${LONG}" } } }\n`
  expect(warningsOf(file, { LONG: `${long}x` })).toEqual([
    `2:3: warning: its variable \`LONG\` ${tooLong(131_076)}`,
    `2:3: warning: its variable \`A\` ${tooLong(131_073)}`,
  ])
  expect(warningsOf(file, { LONG: `${long}xx` }).at(-1)).toBe(`2:3: warning: a word of its command ${tooLong(131_072)}`)
  expect(warningsOf(`processes:\n  a: { command: [sh], environment: { set: { A: ${long.slice(1)} } } }\n`)).toEqual([])
})
