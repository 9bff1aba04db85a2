import { X509Certificate } from 'node:crypto'
import { dirname } from 'node:path'
import { getCACertificates } from 'node:tls'
import type { TrustStorePlan } from '../../plan/model/certificates.ts'
import { messageOf } from '../../shared/errors.ts'
import { writeFileAtomic } from '../../shared/files/atomic-file.ts'
import { readSafely } from '../../shared/files/safe-file.ts'
import { openFolder } from '../../shared/files/safe-folder.ts'
import type { Log } from '../../shared/log.ts'
import { certificatesOfFolder } from './folder.ts'
import { trustStoreOf } from './pkcs12.ts'

export interface TrustStoreSources {
  /** PEM of the internal CA's root, which is made if there is none. Rejects if that cannot be. */
  readonly internalRoot: () => Promise<string>
  readonly log: Log
}

/**
 * Writes each store that differs from what lies there, with mode 0644: nothing in it is secret, and the program that reads
 * it may run as another user. Never rejects: what cannot be had is left out and said, a store that cannot be written stays
 * as it was.
 */
export async function writeTrustStores(plans: readonly TrustStorePlan[], sources: TrustStoreSources): Promise<void> {
  for (const plan of plans) {
    try {
      await writeTrustStore(plan, sources)
    } catch (error) {
      sources.log.error(`${place(plan)} stays as it was: ${messageOf(error)}; make ${dirname(plan.file)} writable`)
    }
  }
}

async function writeTrustStore(plan: TrustStorePlan, sources: TrustStoreSources): Promise<void> {
  const { file, name } = plan
  const certificates = await certificatesFor(plan, sources)
  if (certificates.length === 0) sources.log.warn(`${place(plan)} has no certificates: its readers will trust nobody`)
  const content = await trustStoreOf(certificates)
  const folder = await openFolder(dirname(file), { make: 0o755 })
  folder.close()
  const old = await readSafely(file).catch(() => undefined)
  if (old?.equals(content)) return
  await writeFileAtomic(file, content, 0o644)
  sources.log.info(`wrote the trust store ${name}`, { file, certificates: certificates.length })
}

/** Those of the folder first: they are what somebody looks for in the list. */
async function certificatesFor(
  plan: TrustStorePlan,
  { internalRoot, log }: TrustStoreSources,
): Promise<readonly X509Certificate[]> {
  const certificates: X509Certificate[] = []
  if (plan.certificates !== undefined) {
    const found = await certificatesOfFolder(plan.certificates)
    for (const problem of found.problems) log.warn(`${place(plan)}: ${problem}`)
    certificates.push(...found.certificates)
  }
  if (plan.internal) {
    try {
      certificates.push(new X509Certificate(await internalRoot()))
    } catch (error) {
      log.error(`${place(plan)} is without our own root: ${messageOf(error)}`)
    }
  }
  if (plan.system) certificates.push(...systemAuthorities())
  return [...new Map(certificates.map((one) => [one.fingerprint256, one])).values()]
}

/** A slim image may have no CA certificates of its own: then those that came with Node. */
function systemAuthorities(): readonly X509Certificate[] {
  const system = getCACertificates('system')
  return (system.length > 0 ? system : getCACertificates('default')).map((pem) => new X509Certificate(pem))
}

function place({ name, file }: TrustStorePlan): string {
  return `the trust store ${name} (${file})`
}
