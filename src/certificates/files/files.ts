import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { CertificateSourcePlan } from '../../plan/model/plan.ts'
import { lifeOfLeaf, validityProblem } from '../../shared/certificate-validity.ts'
import { GatehouseError, messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { certificatesIn, covers, type IssuedCertificate, withFacts } from '../pem.ts'
import { warnIfExposed } from '../store.ts'

type FilesSource = Extract<CertificateSourcePlan, { kind: 'files' }>

/**
 * A certificate and its key from two PEM files: RSA or EC, the leaf first in the chain. Throws `certificate-unusable`
 * with the file and a hint if TLS cannot be served with them.
 */
export async function certificateFromFiles(
  source: FilesSource,
  domains: readonly string[],
  log: Log,
): Promise<IssuedCertificate> {
  const chain = parseChain(await readPem(source.certificate, 'certificate'), source.certificate)
  const key = parseKey(await readPem(source.key, 'key'), source.key)
  const leaf = leafOf(chain, key, source)
  checkValidity(leaf, source.certificate)
  checkNames(leaf, { domains, source, log })
  await warnIfExposed(source.key, log)
  return withFacts(leaf, {
    // Serialized from what was parsed: a key in the same file, or text around it, is not passed on.
    certificate: chain.map((certificate) => certificate.toString()).join(''),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  })
}

async function readPem(path: string, what: 'certificate' | 'key'): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw unusable(readFailure(error, path, what), error)
  }
}

function readFailure(error: unknown, path: string, what: 'certificate' | 'key'): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return `${path}: the ${what} file does not exist; put it there or correct the path`
    case 'EACCES':
      return `${path}: the ${what} file may not be read by user ${process.geteuid?.()}; change its owner`
    default:
      return `${path}: the ${what} file cannot be read: ${messageOf(error)}`
  }
}

function parseChain(pem: string, path: string): X509Certificate[] {
  let chain: X509Certificate[]
  try {
    chain = certificatesIn(pem)
  } catch (error) {
    throw unusable(
      `${path}: a certificate in it does not parse (${messageOf(error)}); copy the whole file again`,
      error,
    )
  }
  if (chain.length > 0) return chain
  throw unusable(
    `${path}: holds no PEM certificate (-----BEGIN CERTIFICATE-----); if it is DER, convert it: openssl x509 -inform der -in ${path}`,
  )
}

function parseKey(pem: string, path: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw unusable(
      `${path}: the key is encrypted; decrypt it, since no one can enter its password: openssl pkey -in ${path}`,
    )
  }
  const block = /-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----.+?-----END \1-----/s.exec(pem)?.[0]
  if (block === undefined) throw unusable(`${path}: holds no PEM private key (-----BEGIN PRIVATE KEY-----)`)
  try {
    return createPrivateKey(block)
  } catch (error) {
    throw unusable(`${path}: the private key does not parse (${messageOf(error)}); copy the whole file again`, error)
  }
}

/** TLS sends the chain in this order, and the first certificate must be the one of the key (RFC 8446 §4.4.2). */
function leafOf(chain: readonly X509Certificate[], key: KeyObject, source: FilesSource): X509Certificate {
  const index = chain.findIndex((certificate) => certificate.checkPrivateKey(key))
  const leaf = chain[index]
  if (leaf === undefined) {
    throw unusable(`${source.key}: the key does not belong to the certificate in ${source.certificate}; use the pair`)
  }
  if (index > 0) {
    throw unusable(`${source.certificate}: the key's own certificate is number ${index + 1}; put it first in the file`)
  }
  return leaf
}

function checkValidity(leaf: X509Certificate, path: string): void {
  const problem = validityProblem(lifeOfLeaf(leaf))
  if (problem !== undefined) throw unusable(`${path}: ${problem}${problem.startsWith('expired') ? '; renew it' : ''}`)
}

interface NameCheck {
  readonly domains: readonly string[]
  readonly source: FilesSource
  readonly log: Log
}

/** A certificate that covers none of the names is a mistake; one that covers some of them serves those. */
function checkNames(leaf: X509Certificate, { domains, source, log }: NameCheck): void {
  if (source.anyName) return
  const uncovered = domains.filter((domain) => !covers(leaf, domain))
  if (uncovered.length === 0) return
  const facts = `${source.certificate}: is for ${namesOf(leaf)} and does not cover ${uncovered.join(', ')}`
  if (uncovered.length === domains.length) throw unusable(`${facts}; get one that does, or set anyName: true`)
  log.warn(`${facts}: clients will reject it for those`)
}

function namesOf(leaf: X509Certificate): string {
  return leaf.subjectAltName?.replaceAll(/\b(DNS|IP Address):/g, '') ?? leaf.subject.replaceAll('\n', ', ')
}

function unusable(message: string, cause?: unknown): GatehouseError {
  return new GatehouseError('certificate-unusable', message, cause === undefined ? undefined : { cause })
}
