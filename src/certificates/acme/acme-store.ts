/**
 * What is stored of an ACME server: the account, and a folder for each certificate. Files are 0600 in 0700, and written
 * atomically.
 */
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../../shared/files/atomic-file.ts'
import { readSafely } from '../../shared/files/safe-file.ts'
import { fileVersion } from '../files/file-version.ts'
import { folderName } from '../folder-name.ts'
import { createFolderLock, type FolderLock } from '../lock.ts'
import type { AcmeAccount } from './acme.ts'
import type { AcmePair, PendingOrder } from './acme-order.ts'

export interface AcmeStore {
  readonly account: StoredValue<AcmeAccount>
  /** `name`: the first of its domains. */
  certificate(name: string): CertificateFolder
}

export interface CertificateFolder {
  readonly pair: StoredValue<AcmePair>
  /** Changes when the pair is written, by us or by another replica; undefined if there is none. */
  pairVersion(): Promise<string | undefined>
  readonly pending: StoredValue<PendingOrder>
  readonly lock: FolderLock
}

/** Rejects with the file system's error; content that does not parse counts as absent. */
export interface StoredValue<T> {
  load(): Promise<T | undefined>
  save(value: T): Promise<void>
  clear(): Promise<void>
}

/** `storage`: absolute path of the folder for state. */
export function createAcmeStore(storage: string, directory: string): AcmeStore {
  // A hash of the whole URL: one host may have several directories.
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 8)
  const folder = join(storage, 'acme', `${folderName(new URL(directory).hostname)}-${hash}`)
  return {
    account: stored(join(folder, 'account.json'), asJson<AcmeAccount>()),
    certificate(name) {
      const path = join(folder, folderName(name))
      const file = join(path, 'certificate.pem')
      return {
        pair: stored(file, asPem),
        pairVersion: () => fileVersion(file),
        pending: stored(join(path, 'pending.json'), asJson<PendingOrder>()),
        lock: createFolderLock(path),
      }
    },
  }
}

interface Format<T> {
  read(text: string): T | undefined
  write(value: T): string
}

function stored<T>(path: string, format: Format<T>): StoredValue<T> {
  return {
    async load() {
      const text = await readSafely(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      })
      return text === undefined ? undefined : format.read(text.toString())
    },
    save: (value) => writeFileAtomic(path, format.write(value), 0o600),
    clear: () => rm(path, { force: true }),
  }
}

function asJson<T extends object>(): Format<T> {
  return {
    read(text) {
      try {
        const value: unknown = JSON.parse(text)
        return typeof value === 'object' && value !== null ? (value as T) : undefined
      } catch {
        return undefined
      }
    },
    write: (value) => `${JSON.stringify(value, null, 2)}\n`,
  }
}

/**
 * Key and chain in one file: two files cannot be replaced atomically, and a crash in between would leave a mismatched
 * pair.
 */
const asPem: Format<AcmePair> = {
  read(text) {
    const key = /-----BEGIN (?:EC |RSA )?PRIVATE KEY-----.+?-----END (?:EC |RSA )?PRIVATE KEY-----\n?/s.exec(text)?.[0]
    return key === undefined ? undefined : { key, certificate: text.replace(key, '') }
  },
  write: ({ key, certificate }) => `${key.trimEnd()}\n${certificate}`,
}
