/**
 * A child's user puts something else in the place of what is ours: each place that we write to, change or believe, and each thing that
 * may be put there. Whatever we do then, a file that only root may write stays as it is, and nothing waits.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFolderLock } from '../../src/certificates/lock.ts'
import { readPair, setAside, writePair } from '../../src/certificates/store.ts'
import { writeTrustStores } from '../../src/certificates/trust-store/write.ts'
import { reserveSocket } from '../../src/control/socket.ts'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import { messageOf } from '../../src/shared/errors.ts'
import { createDiskLane } from '../../src/shared/files/disk-lane.ts'
import { readUntrusted } from '../../src/shared/files/safe-file.ts'
import { beginAttempt } from '../../src/supervisor/backups/attempt.ts'
import { GroupLedger } from '../../src/supervisor/leftovers/ledger.ts'
import { compressArchives } from '../../src/telemetry/log-files/archives.ts'
import { createLogFiles } from '../../src/telemetry/log-files/log-files.ts'
import { unusedId } from '../support/unused-id.ts'

const stranger = await unusedId()
/** By us, or by the kernel (protected_fifos, protected_regular in proc_sys_fs(5)). */
const refused = /link|another name|belongs to|regular|ENOTDIR|no socket|lock file|EACCES|ENXIO/
const own = 'what only root may write\n'

let top: string
/** In a folder that the stranger may not enter. */
let victim: string

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'gatehouse-places-'))
  chmodSync(top, 0o755)
  mkdirSync(join(top, 'root'), { mode: 0o700 })
  victim = join(top, 'root/authorized_keys')
  writeFileSync(victim, own, { mode: 0o640 })
})

afterEach(() => {
  try {
    expect(readFileSync(victim, 'utf8')).toBe(own)
    expect(statSync(victim)).toMatchObject({ uid: 0, mode: 0o100_640 })
    expect(readdirSync(join(top, 'root'))).toEqual(['authorized_keys'])
  } finally {
    rmSync(top, { recursive: true })
  }
})

/** `use` does what is done there, resolves with what it has to say of it, or rejects; `names` are what is there beforehand. */
interface Place {
  readonly names: readonly string[]
  use(folder: string): Promise<string | undefined>
  /** It replaces what is there, whatever it is, and need not refuse it. */
  readonly replaces?: true
  /** Others need its folder too, as an emptyDir of Kubernetes: it is made sticky rather than refused. */
  readonly claims?: true
}

const received = (): { log: { info(): void; warn(text: string): void; error(text: string): void }; said: string[] } => {
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  return { said, log: { info() {}, warn: say, error: say } }
}
const pair = { certificate: 'a certificate', key: 'a key' }

const places: Readonly<Record<string, Place>> = {
  'a log file': {
    names: ['host-stdout.log'],
    async use(folder) {
      const { log, said } = received()
      const files = createLogFiles({ directory: dirname(folder), size: 1_000, keep: 1, hostname: 'host', log })
      files.line(folder.slice(dirname(folder).length + 1), 'stdout', "a stranger's key")
      await files.close()
      return said[0]
    },
  },
  'an archive': {
    names: ['web.log.20260101T000000.000Z'],
    use: (folder) => compressArchives(join(folder, 'web.log'), createDiskLane()).then(() => undefined),
  },
  'a half archive': {
    names: ['web.log.20260101T000000.000Z.gz.part'],
    async use(folder) {
      await compressArchives(join(folder, 'web.log'), createDiskLane())
      return undefined
    },
    replaces: true,
  },
  'the folder of backups': {
    names: ['.db-.unfinished'],
    async use(folder) {
      const plan = { folder, prefix: 'db-', suffix: '', named: true }
      const attempt = await beginAttempt(plan)
      writeFileSync(attempt.path ?? '', 'a backup')
      return attempt.keep()
    },
  },
  'an environment file': { names: ['app.env'], use: async (folder) => readUntrusted(join(folder, 'app.env')).risk },
  'a trust store': {
    names: ['trust.p12'],
    async use(folder) {
      const { log, said } = received()
      const plan = {
        name: 'java',
        file: join(folder, 'trust.p12'),
        system: false,
        internal: false,
        position: { file: 'f', line: 1, column: 1 },
      }
      await writeTrustStores([plan], { internalRoot: async () => '', log })
      return said.find((text) => text.includes('cannot write the trust store'))
    },
    replaces: true,
  },
  'a stored key, written': {
    names: ['key.pem'],
    use: (folder) => writePair(filesIn(folder), pair).then(() => undefined),
    replaces: true,
  },
  'a stored key, read': {
    names: ['key.pem', 'certificate.pem'],
    use: (folder) => readPair(filesIn(folder)).then(() => undefined),
  },
  'a stored key, set aside': {
    names: ['key.pem'],
    use: (folder) => setAside(filesIn(folder)).then(() => undefined),
    replaces: true,
  },
  'the lock on a certificate': {
    names: ['lock'],
    async use(folder) {
      await (await createFolderLock(folder).take())?.release()
      return undefined
    },
    replaces: true,
  },
  'the record of groups': {
    names: ['g.sock.groups', '.g.sock.groups.next'],
    async use(folder) {
      const { log, said } = received()
      const ledger = new GroupLedger(join(folder, 'g.sock'), log)
      ledger.began({ name: 'web', stop: { signal: 'SIGTERM', grace: 1 } } as ProcessPlan, process.pid)
      ledger.close()
      return said[0]
    },
    replaces: true,
    claims: true,
  },
  'the control socket': {
    names: ['g.sock', 'g.sock.lock'],
    async use(folder) {
      await (await reserveSocket(join(folder, 'g.sock'))).release()
      return undefined
    },
    claims: true,
  },
}

function filesIn(folder: string) {
  return { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') }
}

/** What is said of it, or undefined. */
async function outcome(place: Place, folder: string): Promise<string | undefined> {
  try {
    return await place.use(folder)
  } catch (error) {
    return messageOf(error)
  }
}

function folderOf(mode: number, uid = 0): string {
  const folder = join(top, 'ours')
  mkdirSync(folder)
  chownSync(folder, uid, uid)
  chmodSync(folder, mode)
  return folder
}

describe.runIf(process.geteuid?.() === 0)('a stranger', () => {
  describe.each(Object.keys(places))('in the place of %s', (key) => {
    const place = places[key] as Place

    it.each([
      ['a link to a file of root', (path: string) => symlinkSync(victim, path)],
      ['a second name of a file of root', (path: string) => linkSync(victim, path)],
      ['a named pipe', (path: string) => void spawnSync('mkfifo', [path])],
    ])('puts %s', async (what, put) => {
      const folder = folderOf(0o1777)
      for (const name of place.names) {
        put(join(folder, name))
        if (what !== 'a second name of a file of root') lchownSync(join(folder, name), stranger, stranger)
      }
      const said = await outcome(place, folder)
      if (!place.replaces) expect(said).toMatch(refused)
      // The second name is gone before its count is looked at.
      for (const name of place.names) rmSync(join(folder, name), { force: true, recursive: true })
    })

    it('puts a link in the place of the folder', async () => {
      const parent = join(top, 'theirs')
      mkdirSync(parent)
      chownSync(parent, stranger, stranger)
      symlinkSync(join(top, 'root'), join(parent, 'folder'))
      lchownSync(join(parent, 'folder'), stranger, stranger)
      expect(await outcome(place, join(parent, 'folder'))).toMatch(/is a link and is not followed|not absent/)
    })

    it('may write to the folder', async () => {
      const folder = folderOf(0o777)
      if (key === 'an environment file') writeFileSync(join(folder, 'app.env'), 'A=1\n')
      const said = await outcome(place, folder)
      if (place.claims) {
        expect(said).toBeUndefined()
        expect(statSync(folder).mode & 0o7777).toBe(0o1777)
        return
      }
      expect(said).toMatch(/is writable by everyone/)
      if (key !== 'an environment file') expect(said).toMatch(/mode 0777\).*chmod go-w .*\/ours, or chmod \+t /)
    })

    it('owns the folder', async () => {
      const folder = folderOf(0o755, stranger)
      if (key === 'an environment file') writeFileSync(join(folder, 'app.env'), 'A=1\n')
      expect(await outcome(place, folder)).toContain(`belongs to uid ${stranger}`)
    })

    it('may add files to the folder, but not remove ours: it is used', async () => {
      const folder = folderOf(0o1777)
      if (key === 'an environment file') writeFileSync(join(folder, 'app.env'), 'A=1\n')
      expect(await outcome(place, folder)).toBeUndefined()
    })
  })

  it('makes the lock file of the control socket, to make a database of it', async () => {
    const folder = folderOf(0o1777)
    const lock = join(folder, 'g.sock.lock')
    writeFileSync(lock, '')
    chownSync(lock, stranger, stranger)
    await expect(reserveSocket(join(folder, 'g.sock'))).rejects.toThrow(
      `the lock file ${lock} belongs to uid ${stranger}`,
    )
  })

  it('moves a folder of ours away and another into its place while it is in use', async () => {
    const parent = join(top, 'theirs')
    mkdirSync(join(parent, 'web'), { recursive: true })
    chownSync(parent, stranger, stranger)
    const said: string[] = []
    const log = { info() {}, warn: (text: string) => void said.push(text), error() {} }
    const files = createLogFiles({ directory: parent, size: 1_000_000, keep: 1, hostname: 'host', log })
    files.line('web', 'stdout', 'first')
    while (!existsSync(join(parent, 'web/host-stdout.log'))) await new Promise((resolve) => setTimeout(resolve, 10))
    renameSync(join(parent, 'web'), join(parent, 'old'))
    mkdirSync(join(parent, 'web'))
    chownSync(join(parent, 'web'), stranger, stranger)
    symlinkSync(victim, join(parent, 'web/host-stdout.log'))
    files.line('web', 'stdout', "a stranger's key")
    await files.close()
    // Either what was open was used on, or what is there now was refused.
    if (!readFileSync(join(parent, 'old/host-stdout.log'), 'utf8').includes('a stranger'))
      expect(said[0]).toContain(`/theirs/web belongs to uid ${stranger}`)
  })

  it('puts a link or a second name in the place of the backup that was asked for', async () => {
    const plan = { folder: join(top, 'backups'), prefix: 'db-', suffix: '', named: true }
    for (const put of [symlinkSync, linkSync]) {
      const attempt = await beginAttempt(plan, { uid: stranger, gid: stranger })
      put(victim, attempt.path ?? '')
      expect(await attempt.keep()).toMatch(/ELOOP|another hard link/)
    }
    expect(readdirSync(plan.folder).filter((name) => name.startsWith('db-'))).toEqual([])
  })
})

describe('links that root laid', () => {
  it('are followed: /var/run, and the volumes of Kubernetes', () => {
    mkdirSync(join(top, 'volume/..2026'), { recursive: true })
    writeFileSync(join(top, 'volume/..2026/app.env'), 'A=1\n')
    symlinkSync('..2026', join(top, 'volume/..data'))
    symlinkSync('..data/app.env', join(top, 'volume/app.env'))
    expect(readUntrusted(join(top, 'volume/app.env'))).toEqual({ text: 'A=1\n' })
  })
})
