/** What is kept of an ACME server: the account, and a folder for each certificate. All of it 0600 in 0700, each file whole or not there. */
import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../../shared/files/atomic-file.ts'
import { readSafely } from '../../shared/files/safe-file.ts'
import { fileSign } from '../files/file-sign.ts'
import { folderName } from '../folder-name.ts'
import { createFolderLock, type FolderLock } from '../lock.ts'
import type { AcmeAccount } from './acme.ts'
import type { AcmePair, PendingOrder } from './acme-order.ts'

export interface AcmeStore {
  readonly account: Kept<AcmeAccount>
  /** `name`: the first of its domains. */
  certificate(name: string): CertificateFolder
}

export interface CertificateFolder {
  readonly pair: Kept<AcmePair>
  /** Changes whenever the pair was written, by us or by another replica; undefined if there is none. */
  pairSign(): Promise<string | undefined>
  readonly pending: Kept<PendingOrder>
  readonly lock: FolderLock
}

/** Rejects with the file system's error; what cannot be understood counts as absent. */
export interface Kept<T> {
  load(): Promise<T | undefined>
  save(value: T): Promise<void>
  clear(): Promise<void>
}

/** `storage`: absolute path of the folder for state. */
export function createAcmeStore(storage: string, directory: string): AcmeStore {
  // By the whole URL: one host may have several directories.
  const mark = createHash('sha256').update(directory).digest('hex').slice(0, 8)
  const folder = join(storage, 'acme', `${folderName(new URL(directory).hostname)}-${mark}`)
  return {
    account: kept(join(folder, 'account.json'), asJson<AcmeAccount>()),
    certificate(name) {
      const path = join(folder, folderName(name))
      const file = join(path, 'certificate.pem')
      return {
        pair: kept(file, asPem),
        pairSign: () => fileSign(file),
        pending: kept(join(path, 'pending.json'), asJson<PendingOrder>()),
        lock: createFolderLock(path),
      }
    },
  }
}

interface Form<T> {
  read(text: string): T | undefined
  write(value: T): string
}

function kept<T>(path: string, form: Form<T>): Kept<T> {
  return {
    async load() {
      const text = await readSafely(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      })
      return text === undefined ? undefined : form.read(text.toString())
    },
    save: (value) => writeFileAtomic(path, form.write(value), 0o600),
    clear: () => rm(path, { force: true }),
  }
}

function asJson<T extends object>(): Form<T> {
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

/** Key and chain in one file: two could not be replaced in one moment, and a crash between them would leave a pair that is none. */
const asPem: Form<AcmePair> = {
  read(text) {
    const key = /-----BEGIN (?:EC |RSA )?PRIVATE KEY-----.+?-----END (?:EC |RSA )?PRIVATE KEY-----\n?/s.exec(text)?.[0]
    return key === undefined ? undefined : { key, certificate: text.replace(key, '') }
  },
  write: ({ key, certificate }) => `${key.trimEnd()}\n${certificate}`,
}
