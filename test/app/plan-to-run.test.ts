import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { readPlanToRun } from '../../src/app/reload/plan-to-run.ts'
import { readPlan } from '../../src/plan/read-plan.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-create-'))
  file = join(folder, 'gatehouse.yaml')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const config = `
environment:
  files:
    - path: conf/deep/app.env
      create: { APP_SECRET: { random: 24 }, APP_SALT: { random: 32 }, APP_DB_URL: "mongodb://\${HOST:-localhost}/app" }
processes:
  a: { command: [/bin/true, "\${APP_SECRET}"] }
`
const created = 'conf/deep/app.env'

test('a file that is missing is written once, with secrets that are of letters and digits', async () => {
  writeFileSync(file, config)
  const { plan, created: said } = await readPlanToRun(file, {})
  expect(said).toEqual(['created environment file `conf/deep/app.env` with APP_SECRET, APP_SALT, APP_DB_URL'])
  const environment = plan?.processes[0]?.environment ?? {}
  expect(environment.APP_SECRET).toMatch(/^[A-Za-z0-9]{24}$/)
  expect(environment.APP_SALT).toMatch(/^[A-Za-z0-9]{32}$/)
  expect(environment.APP_DB_URL).toBe('mongodb://localhost/app')
  expect(plan?.processes[0]?.command).toEqual(['/bin/true', environment.APP_SECRET])
  expect(statSync(join(folder, created)).mode & 0o777).toBe(0o600)
  expect(statSync(join(folder, 'conf')).mode & 0o777).toBe(0o700)
  expect(readdirSync(join(folder, 'conf/deep'))).toEqual(['app.env'])

  const again = await readPlanToRun(file, {})
  expect(again.created).toEqual([])
  expect(again.plan?.processes[0]?.environment).toEqual(environment)
})

test('a file whose path has variables is reported by its real path, not as written', async () => {
  writeFileSync(file, config.replace('conf/deep/app.env', '"${VOLUME:-/nowhere}/app.env"'))
  const { created: said } = await readPlanToRun(file, { VOLUME: join(folder, 'volume') })
  expect(said).toEqual([`created environment file \`${folder}/volume/app.env\` with APP_SECRET, APP_SALT, APP_DB_URL`])
})

test('a text has the secrets of the same file in it, whatever their order', async () => {
  const create = { URL: { text: 'app://{USER}:{PASSWORD}@db/' }, USER: 'ann', PASSWORD: { random: 16 } }
  writeFileSync(
    file,
    stringify({ environment: { files: [{ path: 'a.env', create }] }, processes: { a: { command: ['/bin/true'] } } }),
  )
  const { URL, PASSWORD } = (await readPlanToRun(file, {})).plan?.processes[0]?.environment ?? {}
  expect(PASSWORD).toMatch(/^[A-Za-z0-9]{16}$/)
  expect(URL).toBe(`app://ann:${PASSWORD}@db/`)
})

test('two places have different secrets, and each character is likely', async () => {
  writeFileSync(
    file,
    stringify({
      environment: { files: [{ path: 'a.env', create: { A: { random: 1024 } } }] },
      processes: { a: { command: ['/bin/true'] } },
    }),
  )
  const first = (await readPlanToRun(file, {})).plan?.processes[0]?.environment.A ?? ''
  rmSync(join(folder, 'a.env'))
  const second = (await readPlanToRun(file, {})).plan?.processes[0]?.environment.A ?? ''
  expect(first).not.toBe(second)
  expect(new Set(first + second).size).toBe(62)
})

test('reading a plan writes nothing, and has a plan all the same', () => {
  writeFileSync(file, config)
  const { plan, diagnostics, filesToCreate } = readPlan(file, {})
  expect(diagnostics).toEqual([])
  expect(plan?.processes[0]?.environment.APP_SECRET).toBe('x'.repeat(24))
  expect(filesToCreate.map(({ path }) => path)).toEqual([join(folder, created)])
  expect(readdirSync(folder)).toEqual(['gatehouse.yaml'])
})

test('a file that exists is left as it is, whatever it lacks', async () => {
  writeFileSync(file, config)
  mkdirSync(join(folder, 'conf/deep'), { recursive: true })
  const text = '# mine\nAPP_SALT=salt\nAPP_SECRET="my own"\n'
  writeFileSync(join(folder, created), text)
  chmodSync(join(folder, created), 0o640)
  const { plan, diagnostics } = await readPlanToRun(file, {})
  expect(plan?.processes[0]?.environment.APP_SECRET).toBe('my own')
  expect(diagnostics.map(({ severity, message }) => [severity, message])).toEqual([
    ['note', 'environment file `conf/deep/app.env` exists but does not set APP_DB_URL'],
  ])
  expect(readFileSync(join(folder, created), 'utf8')).toBe(text)
  expect(statSync(join(folder, created)).mode & 0o777).toBe(0o640)
})

test('many who start at once all have the secrets of one', async () => {
  writeFileSync(file, config)
  const readings = await Promise.all(Array.from({ length: 10 }, () => readPlanToRun(file, {})))
  const secrets = readings.map(({ plan }) => plan?.processes[0]?.environment.APP_SECRET)
  expect(new Set(secrets).size).toBe(1)
  expect(secrets[0]).toMatch(/^[A-Za-z0-9]{24}$/)
  expect(readings.flatMap(({ created }) => created)).toHaveLength(1)
  expect(readdirSync(join(folder, 'conf/deep'))).toEqual(['app.env'])
})

test('literal values are read back as they were given', async () => {
  const create = {
    A: `it's "so" $HOME \${X} \\n`,
    B: 'two\nlines # of text\n',
    C: '',
    D: ' padded ',
    E: 'C:\\',
    F: '-----BEGIN-----\r\nx\r\n',
  }
  const written = Object.fromEntries(
    Object.entries(create).map(([name, value]) => [name, value.replaceAll('${', () => '$${')]),
  )
  const environment = { files: [{ path: 'a.env', create: written }] }
  writeFileSync(file, stringify({ environment, processes: { a: { command: ['/bin/true'] } } }))
  const { plan, created } = await readPlanToRun(file, {})
  expect(created).toHaveLength(1)
  expect(plan?.processes[0]?.environment).toEqual(create)
})

test('what one file holds may decide how the next is called', async () => {
  const processFile = { path: 'of-${TENANT_ID}.env', create: { OWN: { random: 16 } } }
  writeFileSync(
    file,
    stringify({
      environment: { files: [{ path: 'a.env', create: { TENANT_ID: { random: 16 } } }] },
      processes: { a: { command: ['/bin/true'], environment: { files: [processFile] } } },
    }),
  )
  const { plan } = await readPlanToRun(file, {})
  const { TENANT_ID, OWN } = plan?.processes[0]?.environment ?? {}
  expect(OWN).toMatch(/^[A-Za-z0-9]{16}$/)
  expect(readdirSync(folder).sort()).toEqual(['a.env', 'gatehouse.yaml', `of-${TENANT_ID}.env`])
})

test('a config with mistakes writes nothing', async () => {
  writeFileSync(file, `${config}\nlog: { level: loud }\n`)
  const { plan, created } = await readPlanToRun(file, {})
  expect([plan, created]).toEqual([undefined, []])
  expect(readdirSync(folder)).toEqual(['gatehouse.yaml'])
})

test('the file of a process that is left out is not written', async () => {
  writeFileSync(
    file,
    'processes: { a: { command: [/bin/true] }, b: { when: { env: X }, command: [/bin/true], environment: { files: [{ path: b.env, create: { B: b } }] } } }',
  )
  expect((await readPlanToRun(file, {})).created).toEqual([])
  expect(existsSync(join(folder, 'b.env'))).toBe(false)
})

test.each([
  ['where no one may write', '/proc/gatehouse/app.env', 'cannot be created: ENOENT'],
  ['below something that is no folder', '/etc/hostname/app.env', 'cannot be created: ENOTDIR'],
])('%s it is reported with its place, and nothing starts', async (_, path, message) => {
  writeFileSync(file, config.replace('conf/deep/app.env', path))
  const { plan, diagnostics } = await readPlanToRun(file, {})
  expect(plan).toBeUndefined()
  expect(diagnostics).toEqual([
    {
      severity: 'error',
      code: 'missing-file',
      file,
      line: 4,
      col: 13,
      message: `environment file \`${path}\` ${message}`,
      hint: 'make its folder writable for Gatehouse, or create the file yourself',
    },
  ])
})

test('a link that leads nowhere is not followed', async () => {
  writeFileSync(file, config)
  mkdirSync(join(folder, 'conf/deep'), { recursive: true })
  symlinkSync(join(folder, 'nowhere'), join(folder, created))
  const { plan, diagnostics } = await readPlanToRun(file, {})
  expect(plan).toBeUndefined()
  expect(diagnostics.map(({ message, hint }) => [message, hint])).toEqual([
    [
      'environment file `conf/deep/app.env` can neither be read nor created: something else is at its path',
      'remove it; it may be a link to a file that no longer exists',
    ],
  ])
  expect(existsSync(join(folder, 'nowhere'))).toBe(false)
})
