/** The reference deployment's database: made on an empty volume, and brought from one PostgreSQL to the next with its rows. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { projectFolder } from '../e2e/support/gatehouse.ts'
import { installed, postgresVersions } from './parts/postgresql.ts'

const script = join(projectFolder, 'config/appsmith/postgres-prepare.sh')
const wheel = await postgresVersions()
if ('missing' in wheel) console.log(`skipped: ${wheel.missing}`)

const user = 'postgres'

describe.skipIf('missing' in wheel)('postgres-prepare.sh', () => {
  let folder = ''
  let bin: (version: 15 | 16 | 18) => string
  let data = ''

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pg-'))
    chmodSync(folder, 0o755)
    bin = installed('folder' in wheel ? wheel.folder : '', folder)
  })
  beforeEach(() => {
    const home = mkdtempSync(join(folder, 'v-'))
    chownSync(home, Number(run('id', '-u').stdout), Number(run('id', '-g').stdout))
    data = join(home, 'main')
  })
  afterEach(() => {
    run(join(bin(15), 'pg_ctl'), '-D', data, '-m', 'immediate', '-w', 'stop')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  /** As the user of the database, with programs of this version first in PATH. */
  function run(program: string, ...words: string[]): SpawnSyncReturns<string> {
    return as(15, program, ...words)
  }

  function as(version: 15 | 16 | 18, program: string, ...words: string[]): SpawnSyncReturns<string> {
    const path = bin === undefined ? process.env.PATH : `${bin(version)}:${process.env.PATH}`
    return spawnSync('setpriv', ['--reuid', user, '--regid', user, '--clear-groups', program, ...words], {
      encoding: 'utf8',
      cwd: '/',
      env: { PATH: path, LANG: 'C' },
    })
  }

  function prepare(version: 15 | 16 | 18): SpawnSyncReturns<string> {
    return as(version, script, data)
  }

  function start(version: 15 | 16 | 18): void {
    const started = as(version, 'pg_ctl', '-D', data, '-w', '-l', `${data}.log`, '-o', `-h '' -k ${data}`, 'start')
    expect(started.status, started.stdout + started.stderr).toBe(0)
  }

  function stop(version: 15 | 16 | 18, mode: 'fast' | 'immediate' = 'fast'): void {
    expect(as(version, 'pg_ctl', '-D', data, '-m', mode, '-w', 'stop').status).toBe(0)
  }

  function ask(version: 15 | 16 | 18, sql: string): string {
    const { stdout, stderr, status } = as(version, 'psql', '-h', data, '-U', 'postgres', '-Atc', sql)
    expect(status, stderr).toBe(0)
    return stdout.trim()
  }

  const versionOf = () => readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()

  it('makes a folder for the superuser `postgres` once, and leaves it as it is from then on', () => {
    const made = prepare(15)
    expect(made.status, made.stderr).toBe(0)
    start(15)
    expect(ask(15, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (42); SELECT current_user')).toContain(
      'postgres',
    )
    stop(15)
    expect(prepare(15).stdout).toBe('')
    start(15)
    expect(ask(15, 'SELECT n FROM kept')).toBe('42')
    stop(15)
  })

  it('an old cluster in another encoding that was killed is brought to the new version, and then to the next', () => {
    expect(run('initdb', '-U', 'postgres', '-D', data, '--encoding', 'SQL_ASCII', '--auth', 'trust').status).toBe(0)
    start(15)
    ask(15, "CREATE TABLE kept (words text); INSERT INTO kept VALUES ('before the upgrade')")
    stop(15, 'immediate')
    for (const version of [16, 18] as const) {
      const upgraded = prepare(version)
      expect(upgraded.status, upgraded.stdout + upgraded.stderr).toBe(0)
      expect(versionOf()).toBe(String(version))
      start(version)
      expect(ask(version, 'SELECT words FROM kept')).toBe('before the upgrade')
      stop(version)
    }
    expect(existsSync(`${data}-15`) && existsSync(`${data}-16`)).toBe(true)
    expect(existsSync(join(data, 'delete_old_cluster.sh'))).toBe(false)
  })

  it.each([16, 18] as const)('checksums are kept by an upgrade to %i', (version) => {
    expect(run('initdb', '-U', 'postgres', '-D', data, '--data-checksums', '--auth', 'trust').status).toBe(0)
    const upgraded = prepare(version)
    expect(upgraded.status, upgraded.stdout + upgraded.stderr).toBe(0)
    start(version)
    expect(ask(version, 'SHOW data_checksums')).toBe('on')
    stop(version)
  })

  it('an upgrade that was interrupted between its two renames is ended by the next start, not by an empty cluster', () => {
    expect(prepare(15).status).toBe(0)
    start(15)
    ask(15, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)')
    stop(15)
    // The state between the two: the old one is away, and somebody made the folder anew, as the deployment's task does.
    renameSync(data, `${data}-upgraded`)
    mkdirSync(data)
    expect(prepare(15).status).toBe(0)
    start(15)
    expect(ask(15, 'SELECT n FROM kept')).toBe('7')
    stop(15)
  })

  it('without the old programs it says which are needed, and touches nothing', () => {
    expect(prepare(15).status).toBe(0)
    renameSync(join(folder, 'lib/postgresql/15'), join(folder, 'lib/postgresql/away'))
    try {
      const refused = prepare(18)
      expect([refused.status, refused.stderr]).toEqual([
        1,
        'the data are of PostgreSQL 15: install postgresql-15 beside 18, once\n',
      ])
    } finally {
      renameSync(join(folder, 'lib/postgresql/away'), join(folder, 'lib/postgresql/15'))
    }
    expect(versionOf()).toBe('15')
  })
})
