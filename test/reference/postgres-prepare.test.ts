/** config/appsmith/postgres-prepare.sh with Debian's PostgreSQL; from one version to the next: test/full/postgres-upgrade.test.ts. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { projectFolder } from '../e2e/support/gatehouse.ts'
import { part } from '../parts.ts'

const script = join(projectFolder, 'config/appsmith/postgres-prepare.sh')
const postgres = part('postgres')
/** It refuses to run as root. */
const asUser = process.getuid?.() === 0 ? ['setpriv', '--reuid=nobody', '--clear-groups'] : []

describe.skipIf(!postgres)('postgres-prepare.sh', () => {
  function prepare(data: string) {
    const [program = '', ...words] = [...asUser, script, data]
    const env = { PATH: `${dirname(postgres ?? '')}:${process.env.PATH}`, LANG: 'C' }
    return { program, words, options: { cwd: '/', env } as const }
  }

  it('begins anew where the first start was killed while it made the database', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-initdb-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    chmodSync(folder, 0o777)
    const data = join(folder, 'main')
    mkdirSync(data)
    chmodSync(data, 0o777)
    const { program, words, options } = prepare(data)
    const first = spawn(program, words, { ...options, stdio: 'ignore', detached: true })
    const isBegun = () => existsSync(join(data, 'PG_VERSION')) || existsSync(`${data}-new/PG_VERSION`)
    await vi.waitFor(() => expect(isBegun()).toBe(true), { timeout: 20_000, interval: 5 })
    const ended = once(first, 'exit')
    process.kill(-(first.pid ?? 0), 'SIGKILL')
    expect((await ended)[1]).toBe('SIGKILL')

    expect(spawnSync(program, words, { ...options, encoding: 'utf8' })).toMatchObject({ status: 0 })
    expect(readdirSync(folder)).toEqual(['main'])
    // `postgres` is made last of the three that each PostgreSQL begins with.
    expect(readdirSync(join(data, 'base'))).toHaveLength(3)
    expect(spawnSync(program, words, options).status).toBe(0)
  })
})
