/**
 * Answers to http-01 challenges (RFC 8555 §8.3), as files in the storage that replicas share: a load balancer sends the
 * ACME server to any of them.
 */
import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Milliseconds } from '../time/duration.ts'
import { writeFileAtomic } from './atomic-file.ts'
import { readSafely } from './safe-file.ts'
import { inFolder } from './safe-folder.ts'

// RFC 8555 §8.1: base64url, at least 128 bits. Such a file name cannot leave the folder.
const tokenPattern = /^[A-Za-z0-9_-]{22,128}$/

// Far longer than an order can last: older files are left from a crash.
const longestOrder: Milliseconds = 86_400_000

/** `storage`: absolute path of the folder for state. */
export function challengeFolder(storage: string): string {
  return join(storage, 'acme-challenges')
}

/** The body to answer with; undefined for an unknown token. Never rejects. */
export async function readProof(folder: string, token: string): Promise<string | undefined> {
  if (!tokenPattern.test(token)) return undefined
  return readSafely(join(folder, token)).then(String, () => undefined)
}

/** Atomic, with mode 0600. Rejects with the file system's error. */
export async function writeProof(folder: string, token: string, proof: string): Promise<void> {
  if (!tokenPattern.test(token)) return
  await writeFileAtomic(join(folder, token), proof, 0o600)
  await removeOld(folder)
}

/** Never rejects. */
export async function removeProof(folder: string, token: string): Promise<void> {
  if (!tokenPattern.test(token)) return
  await inFolder(folder, {}, (opened) => rm(opened.at(token), { force: true })).catch(() => {})
}

async function removeOld(folder: string): Promise<void> {
  const oldest = Date.now() - longestOrder
  await inFolder(folder, {}, async (opened) => {
    for (const name of await readdir(opened.at('.'))) {
      const found = await lstat(opened.at(name)).catch(() => undefined)
      if (found && found.mtimeMs < oldest) await rm(opened.at(name), { force: true })
    }
  })
}
