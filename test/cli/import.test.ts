/** `gatehouse import` as an operator uses it. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { gatehouse } from './gatehouse-command.ts'

function files(texts: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-import-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text)
  return folder
}

const conf = '[program:api]\ncommand=serve --port 3000\ndirectory=/\nautorestart=true\nstdout_syslog=true\n'

it('writes the configuration to stdout, and what is to be said of it to stderr', async () => {
  const folder = files({ 'supervisord.conf': conf })
  const file = join(folder, 'supervisord.conf')
  const { code, out, err } = await gatehouse('import', file)
  expect(code).toBe(0)
  expect(out).toBe(`# Written by gatehouse import from ${file}.
version: 1

processes:
  # from ${file}:1
  api: { command: [serve, --port, "3000"], directory: /, ready: { tcp: 3000 } }
`)
  expect(err).toBe(`${file}:2:1: note: \`ready\` probes the usual port of this program: check that it is the right one
${file}:5:1: untranslated: \`stdout_syslog\`: syslog is not supported: all output is on stdout, for the log collector of the container
0 routes, 1 process; 1 untranslated, 0 changed, 1 note
`)
})

it('makes one file of several, which `gatehouse check` passes and only its owner reads', async () => {
  const folder = files({ Caddyfile: ':8080 {\n\treverse_proxy localhost:3000\n}\n', 'a.conf': conf })
  const output = join(folder, 'gatehouse.yaml')
  const { code, out } = await gatehouse('import', join(folder, 'Caddyfile'), join(folder, 'a.conf'), '--output', output)
  expect({ code, out }).toEqual({ code: 0, out: '' })
  expect(statSync(output).mode & 0o777).toBe(0o600)
  expect(readFileSync(output, 'utf8')).toContain('to: api')
  expect(await gatehouse('check', output)).toMatchObject({ code: 0, out: 'ok: 1 route, 1 process\n' })
})

it('exits with 1 under --strict if something is untranslated, and writes nevertheless', async () => {
  const folder = files({ 'a.conf': conf, 'b.conf': '[program:b]\ncommand=b\ndirectory=/\n' })
  const output = join(folder, 'out.yaml')
  const [whole, lossy] = await Promise.all([
    gatehouse('import', '--strict', join(folder, 'b.conf')),
    gatehouse('import', '--strict', join(folder, 'a.conf'), '-o', output),
  ])
  expect([whole.code, lossy.code]).toEqual([0, 1])
  expect(existsSync(output)).toBe(true)
})

it('overwrites nothing without --force', async () => {
  const folder = files({ 'a.conf': conf, 'mine.yaml': 'mine' })
  const mine = join(folder, 'mine.yaml')
  const refused = await gatehouse('import', join(folder, 'a.conf'), '--output', mine)
  expect(refused).toMatchObject({
    code: 2,
    out: '',
    err: `error: ${mine} already exists: choose another file, or overwrite it with --force\n`,
  })
  expect(readFileSync(mine, 'utf8')).toBe('mine')
  expect((await gatehouse('import', join(folder, 'a.conf'), '--output', mine, '--force')).code).toBe(0)
  expect(readFileSync(mine, 'utf8')).toContain('serve')
})

it('puts nothing in the place of what is no file', async () => {
  const folder = files({ 'a.conf': conf })
  for (const [output, message] of [
    [folder, `error: ${folder} is not a file: without --output the configuration goes to stdout`],
    [join(folder, 'a.conf', 'below'), `error: cannot write ${join(folder, 'a.conf', 'below')}: `],
  ] as const) {
    const { code, err } = await gatehouse('import', join(folder, 'a.conf'), '--force', '--output', output)
    expect(code).toBe(2)
    expect(err).toContain(message)
  }
})

it('says what is wrong with its arguments, and exits with 2', async () => {
  const folder = files({ 'some.txt': 'hello' })
  const wrong: readonly (readonly [words: readonly string[], message: RegExp])[] = [
    [[join(folder, 'nowhere.conf')], /cannot read .*nowhere\.conf: ENOENT/],
    [
      [join(folder, 'some.txt')],
      /cannot determine the kind of .*some\.txt .*--format \(caddyfile, caddy-json, supervisord, compose\)/,
    ],
  ]
  const answers = await Promise.all(wrong.map(([words]) => gatehouse('import', ...words)))
  for (const [index, [, message]] of wrong.entries())
    expect(answers[index]).toMatchObject({ code: 2, out: '', err: expect.stringMatching(message) })
})

it('names the variables that are not set here, and what this machine lacks', async () => {
  const folder = files({ 'a.conf': '[program:a]\ncommand=run %(ENV_NOWHERE_SET)s\ndirectory=/nowhere/at/all\n' })
  const { code, err } = await gatehouse('import', join(folder, 'a.conf'))
  expect(code).toBe(0)
  expect(err).toContain('not on this machine: folder `/nowhere/at/all` does not exist\n')
  expect(err).toContain('needs these variables, which are not set here: NOWHERE_SET\n')
})

it('says so if what it writes does not pass `gatehouse check`', async () => {
  // Readers leave to check what check knows better: what braces mean in a word.
  const folder = files({ 'a.conf': '[program:a]\ncommand=run {port}\ndirectory=/\n' })
  const { code, out, err } = await gatehouse('import', join(folder, 'a.conf'))
  expect(code).toBe(1)
  expect(out).toContain('{port}')
  expect(err).toMatch(/gatehouse\.yaml:\d+:\d+: error: this word uses `\{port\}`/)
  expect(err).toMatch(/does not pass `gatehouse check` yet: fix the errors listed above in it\n$/)
})

it.each([
  ['site', 'a.example.com {\n  respond "hello"\n}\n'],
  ['programs', '[program:a]\ncommand=/bin/true\n'],
  ['stack.txt', 'services:\n  a: { image: b, command: [/bin/true] }\n'],
])('%s, of another program, given to `check`: what its hint says translates it', async (name, text) => {
  const file = join(files({ [name]: text }), name)
  const checked = await gatehouse('check', file)
  expect(checked.code).not.toBe(0)
  expect(checked.err).toMatch(/:1:1: error: this is a .*, not a Gatehouse configuration\n/)
  const [, words = ''] = /`gatehouse (import [^`]*)`/.exec(checked.err) ?? []
  const imported = await gatehouse(...words.split(' '))
  expect(imported).toMatchObject({ code: 0, out: expect.stringContaining('# Written by gatehouse import') })
})
