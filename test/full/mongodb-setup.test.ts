/** config/appsmith/mongodb-setup.js with the real mongosh, for databases whose users are where their URL says. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePorts } from '../e2e/support/free-ports.ts'
import { projectFolder } from '../e2e/support/gatehouse.ts'
import { mongod, mongosh } from './parts/mongodb.ts'

const scripts = join(projectFolder, 'config/appsmith')
const server = await mongod()
const shell = await mongosh()
for (const part of [server, shell]) if ('missing' in part) console.log(`skipped: ${part.missing}`)

describe.skipIf('missing' in server || 'missing' in shell)('mongodb-setup.js', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mongodb-setup-'))
  let database: ChildProcess
  let member = ''

  beforeAll(async () => {
    const [port = 0] = await freePorts(1)
    member = `localhost:${port}`
    const key = join(folder, 'key')
    execFileSync(join(scripts, 'mongodb-key.sh'), [join(folder, 'kept'), key])
    const words = [
      '--port',
      `${port}`,
      '--bind_ip',
      'localhost',
      '--replSet',
      'mr1',
      '--dbpath',
      folder,
      '--keyFile',
      key,
    ]
    database = spawn(join('folder' in server ? server.folder : '', 'mongod'), words, {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    for await (const line of createInterface({ input: database.stdout ?? process.stdin }))
      if (line.includes('Waiting for connections')) break
  }, 60_000)
  afterAll(async () => {
    const ended = once(database, 'exit')
    database.kill()
    await ended
    rmSync(folder, { recursive: true })
  })

  function setUp(path: string, password = 'p%40ss') {
    return spawnSync(
      join('folder' in shell ? shell.folder : '', 'mongosh'),
      ['--nodb', '--quiet', join(scripts, 'mongodb-setup.js')],
      {
        encoding: 'utf8',
        timeout: 60_000,
        env: {
          PATH: process.env.PATH,
          HOME: folder,
          MEMBER: member,
          APPSMITH_DB_URL: `mongodb://ann:${password}@${member}${path}`,
        },
      },
    )
  }

  it('makes the set and its user where the URL says, and finds that user again', () => {
    for (const _ of ['the first time', 'and again'])
      expect(setUp('/shop?authSource=admin')).toMatchObject({
        status: 0,
        stdout: `the replica set mr1 is writable at ${member}\n`,
      })
  }, 60_000)

  it('a user of `admin` counts for a URL that names no database', () => {
    expect(setUp('')).toMatchObject({ status: 0 })
  }, 60_000)

  it('fails where there are users and ours is none of them', () => {
    expect(setUp('/shop?authSource=admin', 'wrong')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('Authentication failed'),
    })
  }, 60_000)
})
