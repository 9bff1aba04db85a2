/**
 * The whole of a loss: backups are made, the volume is deleted, and a new one is filled by the very commands of docs/backup.md.
 * PostgreSQL and the ACME server are real. MongoDB is not in Debian: `appsmithctl` keeps Git and the settings only.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startPebble } from '../certificates/pebble.ts'
import { acceptedCertificate } from '../e2e/support/accepted-certificate.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { projectFolder, runGatehouse, source } from '../e2e/support/gatehouse.ts'
import { part } from '../parts.ts'
import { type SingleContainer, startSingleContainer } from './single-container.ts'
import { testSite, type Variables } from './site.ts'
import { domain } from './tls.ts'

const tasks = ['backup', 'backup-configuration', 'backup-keycloak', 'backup-temporal']
/** The stand-ins first, then the pinned Node, then what Debian has. */
const PATH = [
  join(import.meta.dirname, 'programs/bin'),
  join(projectFolder, 'node_modules/.bin'),
  dirname(part('postgres') ?? ''),
  process.env.PATH,
].join(delimiter)
const manual = readFileSync(join(projectFolder, 'docs/backup.md'), 'utf8')

/** The commands that docs/backup.md has a reader type in one of its steps. */
function commandsOf(step: string): string {
  const [, section = ''] = manual.split(`\n### ${step}`)
  const [, commands] = /\n```sh\n(.*?)\n```\n/s.exec(section.split('\n### ')[0] ?? '') ?? []
  if (commands === undefined) throw new Error(`docs/backup.md has no commands in its step ${step}`)
  return commands
}

const parts = part('postgres') && part('redis-server') && part('pebble')

describe.skipIf(!parts)('docs/backup.md', () => {
  const site = testSite({ start: startSingleContainer })

  it('brings everything back that is not rebuildable, after the volume is gone', async () => {
    const [httpPort = 0, tlsPort = 0] = await freePorts(2)
    const pebble = await startPebble({ httpPort, tlsPort })
    onTestFinished(() => pebble.stop())
    const authority = await pebble.roots()
    const stacks = site.volume({ 'git-storage/repository': 'not pushed' })
    const saved = mkdtempSync(join(site.folder, 'saved-'))
    const socket = join(site.folder, 'control.sock')
    const verb = (...words: readonly string[]) => runGatehouse([...words, '--socket', socket], { command: source })
    const env: Variables = {
      PORT: String(httpPort),
      GATEHOUSE_HTTPS_PORT: String(tlsPort),
      APPSMITH_CUSTOM_DOMAIN: domain,
      GATEHOUSE_STACKS: stacks,
      GATEHOUSE_STORAGE: join(stacks, 'gatehouse'),
      GATEHOUSE_SOCKET: socket,
      GATEHOUSE_ACME_DIRECTORY: pebble.directory,
      GATEHOUSE_ACME_CA: pebble.trust,
    }
    const start = async (more: Variables = {}) => {
      const running = await startSingleContainer(site, { ...env, ...more })
      let stopped = false
      const stop = async () => {
        if (!stopped) await running.gatehouse.stop()
        stopped = true
      }
      onTestFinished(stop)
      await running.gatehouse.ready()
      return { ...running, stop }
    }

    const before = await start()
    await before.gatehouse.waitFor({ message: /^the certificate for app.example is now from acme/ })
    const { serialNumber } = await acceptedCertificate(tlsPort, authority, domain)
    sql(before, 'keycloak', "CREATE TABLE account (name text); INSERT INTO account VALUES ('ann')")
    sql(before, 'appsmith', 'CREATE TABLE temporal.execution (id int); INSERT INTO temporal.execution VALUES (42)')
    for (const task of tasks) {
      // A new volume has had its first ones made already, before there was anything to keep.
      await before.gatehouse.waitFor({ process: task, message: /^completed/ })
      expect(await verb('start', task)).toMatchObject({ code: 0, stderr: '' })
    }
    const files = readdirSync(join(stacks, 'data/backup'))
    expect(files).toHaveLength(2 * tasks.length)
    for (const name of files) expect(statSync(join(stacks, 'data/backup', name)).mode & 0o777).toBe(0o600)
    expect(await verb('healthcheck')).toMatchObject({ code: 0 })
    const settings = readFileSync(join(stacks, 'configuration/docker.env'), 'utf8')
    cpSync(join(stacks, 'data/backup'), saved, { recursive: true, preserveTimestamps: true })
    await before.stop()

    rmSync(stacks, { recursive: true })
    mkdirSync(stacks)
    const { TMPDIR = '/tmp' } = process.env
    const type = (step: string, ports: Variables = {}) => {
      const commands = commandsOf(step).replaceAll('/appsmith-stacks', stacks).replaceAll('/backups', saved)
      const more = { PATH, TMPDIR, GATEHOUSE_STACKS: stacks, PGPORT: ports.GATEHOUSE_POSTGRES_PORT ?? '' }
      execFileSync('sh', ['-euc', commands], { env: more, stdio: ['ignore', 'ignore', 'inherit'] })
    }
    type('1. ')
    const maintenance = await start({ GATEHOUSE_MAINTENANCE: '1' })
    const status = JSON.parse((await verb('status', '--json')).stdout)
    expect(status.listeners).toEqual([])
    const running = status.processes
      .filter(({ pid }: { pid?: number }) => pid)
      .map(({ name }: { name: string }) => name)
    expect(running.sort()).toEqual(['mongodb', 'postgres', 'redis'])
    type('3. ', maintenance.ports)
    type('4. ', maintenance.ports)
    await maintenance.stop()
    expect(readdirSync(join(stacks, 'data/backup')).sort()).toEqual(files.sort())

    const asked = pebble.lines.length
    const after = await start()
    expect((await acceptedCertificate(tlsPort, authority, domain)).serialNumber).toBe(serialNumber)
    expect(pebble.lines.slice(asked).filter((line) => line.includes('order-plz'))).toEqual([])
    expect(sql(after, 'keycloak', 'SELECT name FROM account')).toBe('ann')
    expect(sql(after, 'appsmith', 'SELECT id FROM temporal.execution')).toBe('42')
    expect(readFileSync(join(stacks, 'git-storage/repository'), 'utf8')).toBe('not pushed')
    const restored = readFileSync(join(stacks, 'configuration/docker.env'), 'utf8').split('\n')
    expect(restored).toEqual(expect.arrayContaining(settings.split('\n')))
    expect(existsSync(join(stacks, 'configuration/gatehouse.env'))).toBe(true)
    expect(await verb('healthcheck')).toMatchObject({ code: 0 })
  }, 90_000)
})

/** What PostgreSQL answers, as bare text. */
function sql({ ports }: SingleContainer, database: string, query: string): string {
  const words = ['-h', '127.0.0.1', '-p', ports.GATEHOUSE_POSTGRES_PORT ?? '', '-U', 'postgres', '-d', database]
  return execFileSync('psql', [...words, '-XqAtc', query], { encoding: 'utf8', env: { PATH } }).trim()
}
