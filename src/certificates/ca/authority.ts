import { createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { lifeOfLeaf, validityProblem } from '../../shared/certificate-validity.ts'
import { codeOf, GatehouseError, messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep } from '../../shared/time/timer.ts'
import { folderName } from '../folder-name.ts'
import { createFolderLock, type Lock } from '../lock.ts'
import { covers, type IssuedCertificate, withFacts } from '../pem.ts'
import { type PairFiles, readPair, type StoredPair, setAside, warnIfExposed, writePair } from '../store.ts'
import { leafLife, makeLeaf, makeRoot, type NewPair } from './internal.ts'

/** The internal CA: one long-lived root, and leaves that are replaced after two thirds of their life. */
export interface Authority {
  /**
   * The stored leaf if it is usable, else a new one; replicas may share the folder. Throws `certificate-unusable` if
   * the folder cannot be read or written.
   */
  issue(domains: readonly string[]): Promise<IssuedCertificate>
  /** PEM of the root, which is created if there is none. Throws as `issue` does. */
  root(): Promise<string>
}

/**
 * `folder`: absolute; holds `root.crt`, `root.key` and a folder for the leaf of each certificate. Created when first
 * needed.
 */
export function createAuthority(folder: string, log: Log): Authority {
  const files = rootFiles(folder)
  async function explained<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      const result = await work()
      await warnIfExposed(files.key, log)
      return result
    } catch (error) {
      throw new GatehouseError(
        'certificate-unusable',
        `the internal CA cannot use ${folder}: ${messageOf(error)}; make it writable for user ${process.geteuid?.()} or change \`storage\``,
        { cause: error },
      )
    }
  }
  return {
    issue: (domains) =>
      explained(async () => {
        const leaf = leafFiles(folder, domains)
        const root = await keptRoot(files)
        const kept = root && (await keptLeaf(leaf, root, domains))
        // Read again under the lock: a replica that shares the folder may have created them meanwhile.
        return kept ?? withLock(folder, async () => currentLeaf(leaf, await currentRoot(files, log), domains))
      }),
    root: () =>
      explained(async () => {
        const root = (await keptRoot(files)) ?? (await withLock(folder, () => currentRoot(files, log)))
        return root.certificate
      }),
  }
}

/** Under a lock: two replicas that share the folder must not do this at the same time. */
async function withLock<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  const lock = await lockOf(folder)
  try {
    return await work()
  } finally {
    await lock?.release()
  }
}

/** Undefined where the file system has no hard links (SMB): a single replica must work there, too. */
async function lockOf(folder: string): Promise<Lock | undefined> {
  const folderLock = createFolderLock(folder, lockTimes)
  try {
    let lock = await folderLock.take()
    for (; !lock; lock = await folderLock.take()) await sleep(betweenTries)
    return lock
  } catch (error) {
    if (['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error))) return undefined
    throw error
  }
}

/** Creating root and leaf takes some 200 ms. A start waits `stale` for the lock of a process that died. */
const lockTimes = { heartbeat: 500, stale: 5_000 }
const betweenTries: Milliseconds = 50

function rootFiles(folder: string): PairFiles {
  return { certificate: join(folder, 'root.crt'), key: join(folder, 'root.key') }
}

function leafFiles(folder: string, domains: readonly string[]): PairFiles {
  const leafFolder = join(folder, folderName(domains[0] ?? ''))
  return { certificate: join(leafFolder, 'leaf.crt'), key: join(leafFolder, 'leaf.key') }
}

async function keptRoot(files: PairFiles): Promise<NewPair | undefined> {
  const stored = await readPair(files)
  return isComplete(stored) && rootProblem(stored) === undefined ? stored : undefined
}

async function currentRoot(files: PairFiles, log: Log): Promise<NewPair> {
  const kept = await keptRoot(files)
  if (kept) return kept
  const stored = await readPair(files)
  const isNew = stored.certificate === undefined && stored.key === undefined
  const problem = isNew ? undefined : rootProblem(stored)
  if (problem !== undefined) {
    const aside = await setAside(files)
    log.warn(`the internal CA's root ${problem}; creating a new one, and keeping the old one as ${aside.join(' and ')}`)
  }
  const root = await makeRoot()
  await writePair(files, root)
  log.info(`created a new internal CA; clients must trust ${files.certificate}`)
  return root
}

/** Why a stored root cannot sign; undefined if it can. */
function rootProblem(stored: StoredPair): string | undefined {
  if (stored.key === undefined) return 'lacks its key (root.key)'
  if (stored.certificate === undefined) return 'lacks its certificate (root.crt)'
  try {
    const root = new X509Certificate(stored.certificate)
    if (!root.checkPrivateKey(createPrivateKey(stored.key))) return 'does not match its key'
    if (!root.ca) return 'is not a CA certificate'
    const invalid = validityProblem(lifeOfLeaf(root))
    if (invalid !== undefined) return invalid
    // A leaf must not outlive its root: clients would reject it.
    if (root.validToDate.getTime() < Date.now() + leafLife) return `expires on ${root.validToDate.toISOString()}`
    return undefined
  } catch (error) {
    return `does not parse (${messageOf(error)})`
  }
}

async function keptLeaf(files: PairFiles, root: NewPair, domains: readonly string[]) {
  const stored = await readPair(files)
  return isComplete(stored) && isUsableLeaf(stored, root, domains) ? issued(stored) : undefined
}

async function currentLeaf(files: PairFiles, root: NewPair, domains: readonly string[]): Promise<IssuedCertificate> {
  const kept = await keptLeaf(files, root, domains)
  if (kept) return kept
  const leaf = await makeLeaf(root, domains)
  await writePair(files, leaf)
  return issued(leaf)
}

function isUsableLeaf(stored: NewPair, rootPair: NewPair, domains: readonly string[]): boolean {
  try {
    const leaf = new X509Certificate(stored.certificate)
    const root = new X509Certificate(rootPair.certificate)
    return (
      leaf.checkPrivateKey(createPrivateKey(stored.key)) &&
      leaf.checkIssued(root) &&
      leaf.verify(root.publicKey) &&
      isForExactly(leaf, domains) &&
      validityProblem(lifeOfLeaf(leaf)) === undefined &&
      hasEnoughLife(leaf)
    )
  } catch {
    // A leaf that does not parse is overwritten.
    return false
  }
}

/** Names that were removed from the config must not stay in the certificate, so their number must match, too. */
function isForExactly(leaf: X509Certificate, domains: readonly string[]): boolean {
  const names = leaf.subjectAltName?.split(', ') ?? []
  // OpenSSL matches no wildcard directly below a top-level name such as `*.localhost`: there the text is compared.
  return names.length === domains.length && domains.every((name) => names.includes(`DNS:${name}`) || covers(leaf, name))
}

/** More than a third of its life is left: if a renewal fails there are days to notice it. */
function hasEnoughLife(leaf: X509Certificate): boolean {
  const end = leaf.validToDate.getTime()
  return end - Date.now() > (end - leaf.validFromDate.getTime()) / 3
}

function isComplete(pair: StoredPair): pair is NewPair {
  return pair.certificate !== undefined && pair.key !== undefined
}

function issued(pair: NewPair): IssuedCertificate {
  const leaf = new X509Certificate(pair.certificate)
  return withFacts(leaf, pair)
}
