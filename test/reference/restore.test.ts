/**
 * The whole of a loss: backups are made, the volume is deleted, and a new one is filled, all by the very commands of the manual.
 * PostgreSQL and the ACME server are real. MongoDB is not in Debian: `appsmithctl` keeps Git and the settings only.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startPebble } from '../certificates/pebble.ts'
import { acceptedCertificate } from '../e2e/support/accepted-certificate.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { binary, projectFolder, runGatehouse } from '../e2e/support/gatehouse.ts'
import { part } from '../parts.ts'
import { type SingleContainer, startSingleContainer } from './single-container.ts'
import { type Site, testSite, type Variables } from './site.ts'
import { domain } from './tls.ts'

/** Databases are made, on a machine that may be busy. */
const patiently = { timeout: 60_000 }

const tasks = ['backup', 'backup-configuration', 'backup-keycloak', 'backup-temporal']

/** The commands that a page has its reader type below this headline. */
function commandsOf(page: string, headline: string): string {
  const [, behind = ''] = readFileSync(join(projectFolder, 'docs', page), 'utf8').split(`\n### ${headline}`)
  const [, commands] = /\n```sh\n(.*?)\n```\n/s.exec(behind.split('\n### ')[0] ?? '') ?? []
  if (commands === undefined) throw new Error(`docs/${page} has no commands below "${headline}"`)
  return commands
}

/** A folder with what a container has on its PATH besides: the verbs of the Gatehouse that runs in it. */
function shellFolder(site: Site, socket: string): string {
  const folder = mkdtempSync(join(site.folder, 'bin-'))
  writeFileSync(join(folder, 'gatehouse'), `#!/bin/sh\nexec ${binary.join(' ')} "$@" --socket ${socket}\n`, {
    mode: 0o755,
  })
  return folder
}

const parts = part('postgres') && part('redis-server') && part('pebble')

describe.skipIf(!parts)('docs/backup.md and docs/operating.md', () => {
  const site = testSite({ start: startSingleContainer })

  it('bring everything back that is not rebuildable, after the volume is gone', async () => {
    const [httpPort = 0, tlsPort = 0] = await freePorts(2)
    const pebble = await startPebble({ httpPort, tlsPort })
    onTestFinished(() => pebble.stop())
    const authority = await pebble.roots()
    const stacks = site.volume({ 'git-storage/repository': 'not pushed' })
    const [archive, backups] = [join(stacks, 'data/backup'), mkdtempSync(join(site.folder, 'backups-'))]
    const socket = join(site.folder, 'control.sock')
    const bin = shellFolder(site, socket)

    const start = async (more: Variables = {}) => {
      const running = await startSingleContainer(site, {
        PORT: String(httpPort),
        GATEHOUSE_HTTPS_PORT: String(tlsPort),
        APPSMITH_CUSTOM_DOMAIN: domain,
        GATEHOUSE_STACKS: stacks,
        GATEHOUSE_STORAGE: join(stacks, 'gatehouse'),
        GATEHOUSE_SOCKET: socket,
        GATEHOUSE_ACME_DIRECTORY: pebble.directory,
        GATEHOUSE_ACME_CA: pebble.trust,
        ...more,
      })
      const stop = once(() => running.gatehouse.stop())
      onTestFinished(async () => void (await stop()))
      await running.gatehouse.waitFor({ message: 'ready' }, patiently)
      return { ...running, stop }
    }
    const type = (commands: string, { ports }: Partial<SingleContainer> = {}) => {
      const here = commands.replaceAll('/appsmith-stacks', stacks).replaceAll('/backups', backups)
      const env = { PATH: path(bin), GATEHOUSE_STACKS: stacks, PGPORT: ports?.GATEHOUSE_POSTGRES_PORT ?? '' }
      execFileSync('sh', ['-euc', here], { env, stdio: ['ignore', 'ignore', 'inherit'] })
    }

    const before = await start()
    await before.gatehouse.waitFor({ message: /^the certificate for app.example is now from acme/ }, patiently)
    // The threads get it a moment later; until then the fallback is served, which no client accepts.
    await expect.poll(() => acceptedCertificate(tlsPort, authority, domain).catch(() => undefined)).toBeDefined()
    const { serialNumber } = await acceptedCertificate(tlsPort, authority, domain)
    sql(before, 'keycloak', "CREATE TABLE account (name text); INSERT INTO account VALUES ('ann')")
    sql(before, 'appsmith', 'CREATE TABLE temporal.execution (id int); INSERT INTO temporal.execution VALUES (42)')
    // A new volume gets its first ones by itself, from before there was anything to keep.
    for (const process of tasks) await before.gatehouse.waitFor({ process, message: /^completed/ }, patiently)
    type(commandsOf('operating.md', 'Before each'))
    const made = readdirSync(archive).sort()
    expect(made).toHaveLength(2 * tasks.length)
    for (const name of made) expect(statSync(join(archive, name)).mode & 0o777).toBe(0o600)
    const settings = readFileSync(join(stacks, 'configuration/docker.env'), 'utf8').trim().split('\n')
    cpSync(archive, backups, { recursive: true, preserveTimestamps: true })
    await before.stop()

    rmSync(stacks, { recursive: true })
    mkdirSync(stacks)
    type(commandsOf('backup.md', '1. '))
    const maintenance = await start({ GATEHOUSE_MAINTENANCE: '1' })
    const { stdout } = await runGatehouse(['status', '--json', '--socket', socket])
    const { listeners, processes } = JSON.parse(stdout) as {
      listeners: unknown[]
      processes: { name: string; pid?: number }[]
    }
    expect(listeners).toEqual([])
    expect(
      processes
        .filter(({ pid }) => pid)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['mongodb', 'postgres', 'redis'])
    type(commandsOf('backup.md', '3. '), maintenance)
    type(commandsOf('backup.md', '4. '), maintenance)
    await maintenance.stop()
    expect(readdirSync(archive).sort()).toEqual(made)

    const known = pebble.lines.length
    const after = await start()
    type(commandsOf('backup.md', '5. '), after)
    expect((await acceptedCertificate(tlsPort, authority, domain)).serialNumber).toBe(serialNumber)
    expect(pebble.lines.slice(known).filter((line) => line.includes('order-plz'))).toEqual([])
    expect(sql(after, 'keycloak', 'SELECT name FROM account')).toBe('ann')
    expect(sql(after, 'appsmith', 'SELECT id FROM temporal.execution')).toBe('42')
    expect(readFileSync(join(stacks, 'git-storage/repository'), 'utf8')).toBe('not pushed')
    const restored = readFileSync(join(stacks, 'configuration/docker.env'), 'utf8').split('\n')
    expect(restored).toEqual(expect.arrayContaining(settings))
  }, 180_000)
})

/** The stand-ins first, then the pinned Node, then what Debian has. */
function path(bin: string): string {
  const programs = [bin, join(import.meta.dirname, 'programs/bin'), join(projectFolder, 'node_modules/.bin')]
  return [...programs, dirname(part('postgres') ?? ''), process.env.PATH].join(delimiter)
}

/** What PostgreSQL answers, as bare text. */
function sql({ ports }: SingleContainer, database: string, query: string): string {
  const words = ['-h', '127.0.0.1', '-p', ports.GATEHOUSE_POSTGRES_PORT ?? '', '-U', 'postgres', '-d', database]
  return execFileSync('psql', [...words, '-XqAtc', query], { encoding: 'utf8', env: { PATH: path('') } }).trim()
}

/** The same answer however often it is asked for. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
