/** A real database, which no process declares as a dependency, among programs that do not want to end. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReadinessProbe } from '../../../src/plan/model/plan.ts'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { part } from '../../parts.ts'
import { planFor, testSupervisor, transitions } from '../../supervisor/test-supervisor.ts'

const postgres = part('postgres')
/** PostgreSQL refuses to run as root, and its user must be able to come to its folder. */
const asItsUser = process.getuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : []
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-critical-'))
const cluster = join(folder, 'cluster')

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function program(name: string): string {
  return join(dirname(realpathSync(postgres ?? '')), name)
}

function run(...words: string[]): string {
  const [command = '', ...rest] = [...asItsUser, ...words]
  return execFileSync(command, rest, { encoding: 'utf8', cwd: folder })
}

describe.skipIf(!postgres)('a critical process', () => {
  beforeAll(() => {
    chmodSync(folder, 0o755)
    mkdirSync(cluster, { mode: 0o700 })
    if (asItsUser.length > 0) execFileSync('chown', ['postgres:', cluster])
    run(program('initdb'), '-D', cluster, '--no-sync', '--auth=trust', '--username=postgres')
  })

  it('ends when all others have ended, and has time for it, though one of them ignores SIGTERM', async () => {
    const [port] = await freePorts(1)
    const said = (pattern: string): ReadinessProbe => ({
      kind: 'log',
      pattern,
      every: 10,
      timeout: 100,
      deadline: 20_000,
    })
    const stubborn = { program: 'ignores-sigterm.js', ready: said('^ready$') }
    const { supervisor, untilState, status, story, lines, events } = testSupervisor([
      planFor('database', {
        command: [...asItsUser, program('postgres'), '-D', cluster, '-k', '', '-p', `${port}`, '-h', '127.0.0.1'],
        criticality: 'critical',
        ready: said('ready to accept connections'),
        stop: { signal: 'SIGINT', grace: 60_000 },
      }),
      planFor('backend', { ...stubborn, words: ['--grandchild'], stop: { signal: 'SIGTERM', grace: 30_000 } }),
      planFor('cache', { ...stubborn, criticality: 'rebuildable', stop: { signal: 'SIGTERM', grace: 10_000 } }),
      planFor('front', { ready: said('^up$'), dependsOn: [{ process: 'backend', condition: 'ready' }] }),
    ])
    supervisor.start()
    await Promise.all(['database', 'backend', 'cache', 'front'].map((name) => untilState(name, 'running')))
    // Something to lose: rows that are in the journal and not in their files yet.
    run(program('psql'), '-h', '127.0.0.1', '-p', `${port}`, '-U', 'postgres', '-qc', rows)
    const [before, began] = [story().length, performance.now()]

    await supervisor.stop({ budget: 8_000 })

    expect(performance.now() - began).toBeLessThan(8_000)
    const steps = story().slice(before)
    expect(steps.slice(-2)).toEqual(['database:stopping', 'database:stopped'])
    expect(steps.slice(0, -2).sort()).toEqual(
      ['backend', 'cache', 'front'].flatMap((name) => [`${name}:stopped`, `${name}:stopping`]),
    )
    expect(status('backend').exit).toEqual({ code: null, signal: 'SIGKILL' })
    expect(status('database').exit).toEqual({ code: 0, signal: null })
    const asked = transitions(events).find(({ process, to }) => process === 'database' && to === 'stopping')
    const others = transitions(events).filter(({ process, to }) => process !== 'database' && to === 'stopped')
    for (const { at } of others) expect(at).toBeLessThanOrEqual(asked?.at ?? 0)
    expect(lines.filter(({ process }) => process === 'database').at(-1)?.text).toContain('database system is shut down')
    // What it left on disk needs no recovery.
    expect(run(program('pg_controldata'), cluster)).toMatch(/Database cluster state:\s+shut down\n/)
  })
})

const rows = 'create table kept as select n, repeat(md5(n::text), 20) from generate_series(1, 20000) n'
