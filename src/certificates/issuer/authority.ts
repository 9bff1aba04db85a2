import { createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { GatehouseError, messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { folderName } from '../folder-name.ts'
import { covers, type IssuedCertificate, withFacts } from '../pem.ts'
import { type PairFiles, readPair, type StoredPair, setAside, warnIfExposed, writePair } from '../store.ts'
import { leafLife, makeLeaf, makeRoot, type NewPair } from './internal.ts'

/** The internal CA: one root for good, and leaves that are kept until two thirds of their life are over. */
export interface Authority {
  /**
   * The kept leaf if it will do, else a new one. Not to be called again before it has ended: two calls could make two roots.
   * Throws `certificate-unusable` if the folder cannot be read or written.
   */
  issue(domains: readonly string[]): Promise<IssuedCertificate>
  /** PEM of the root, which is made if there is none. Under the same conditions as `issue`. */
  root(): Promise<string>
}

/** `folder`: absolute; holds `root.crt`, `root.key` and a folder for the leaf of each certificate. Made when first needed. */
export function createAuthority(folder: string, log: Log): Authority {
  async function withRoot<Result>(work: (root: NewPair) => Result | Promise<Result>): Promise<Result> {
    try {
      return await work(await currentRoot(folder, log))
    } catch (error) {
      throw new GatehouseError(
        'certificate-unusable',
        `the internal CA cannot work in ${folder}: ${messageOf(error)}; make it writable for user ${process.geteuid?.()} or change \`storage\``,
        { cause: error },
      )
    }
  }
  return {
    issue: (domains) => withRoot((root) => currentLeaf(root, folder, domains)),
    root: () => withRoot((root) => root.certificate),
  }
}

async function currentRoot(folder: string, log: Log): Promise<NewPair> {
  const files: PairFiles = { certificate: join(folder, 'root.crt'), key: join(folder, 'root.key') }
  const stored = await readPair(files)
  const isNew = stored.certificate === undefined && stored.key === undefined
  const problem = isNew ? undefined : rootProblem(stored)
  if (isWhole(stored) && problem === undefined) {
    await warnIfExposed(files.key, log)
    return stored
  }
  if (problem !== undefined) {
    const kept = await setAside(files)
    log.warn(`the internal CA's root ${problem}; kept as ${kept.join(' and ')}, and a new one takes its place`)
  }
  const root = await makeRoot()
  await writePair(files, root)
  log.info(`made a new internal CA: let clients trust ${files.certificate}`)
  return root
}

/** Why a stored root cannot sign, or nothing if it can. */
function rootProblem(stored: StoredPair): string | undefined {
  if (stored.key === undefined) return 'lacks its key (root.key)'
  if (stored.certificate === undefined) return 'lacks its certificate (root.crt)'
  try {
    const root = new X509Certificate(stored.certificate)
    if (!root.checkPrivateKey(createPrivateKey(stored.key))) return 'does not match its key'
    if (!root.ca) return 'is not a CA certificate'
    // A leaf must not outlive its root: from then on clients would refuse it.
    if (root.validToDate.getTime() < Date.now() + leafLife) return `expires on ${root.validToDate.toISOString()}`
    return undefined
  } catch (error) {
    return `does not parse (${messageOf(error)})`
  }
}

async function currentLeaf(root: NewPair, folder: string, domains: readonly string[]): Promise<IssuedCertificate> {
  const leafFolder = join(folder, folderName(domains[0] ?? ''))
  const files: PairFiles = { certificate: join(leafFolder, 'leaf.crt'), key: join(leafFolder, 'leaf.key') }
  const stored = await readPair(files)
  if (isWhole(stored) && leafWillDo(stored, root, domains)) return issued(stored)
  const leaf = await makeLeaf(root, domains)
  await writePair(files, leaf)
  return issued(leaf)
}

function leafWillDo(stored: NewPair, rootPair: NewPair, domains: readonly string[]): boolean {
  try {
    const leaf = new X509Certificate(stored.certificate)
    const root = new X509Certificate(rootPair.certificate)
    return (
      leaf.checkPrivateKey(createPrivateKey(stored.key)) &&
      leaf.checkIssued(root) &&
      leaf.verify(root.publicKey) &&
      isForExactly(leaf, domains) &&
      hasEnoughLife(leaf)
    )
  } catch {
    // A leaf that does not parse is worth nothing to anyone: the new one is written over it.
    return false
  }
}

/** Names that were taken out of the config must not stay in the certificate, so the number counts too. */
function isForExactly(leaf: X509Certificate, domains: readonly string[]): boolean {
  const names = leaf.subjectAltName?.split(', ') ?? []
  // OpenSSL matches no wildcard directly below a top-level name such as `*.localhost`: then the name itself counts.
  return names.length === domains.length && domains.every((name) => names.includes(`DNS:${name}`) || covers(leaf, name))
}

/** More than a third of its life left: the other two thirds give a broken renewal days to be noticed in. */
function hasEnoughLife(leaf: X509Certificate): boolean {
  const end = leaf.validToDate.getTime()
  return end - Date.now() > (end - leaf.validFromDate.getTime()) / 3
}

function isWhole(pair: StoredPair): pair is NewPair {
  return pair.certificate !== undefined && pair.key !== undefined
}

function issued(pair: NewPair): IssuedCertificate {
  const leaf = new X509Certificate(pair.certificate)
  return withFacts(leaf, pair)
}
