import { X509Certificate } from 'node:crypto'
import { dirname } from 'node:path'
import type { TrustStorePlan } from '../../plan/model/certificates.ts'
import { messageOf } from '../../shared/errors.ts'
import { writeFileAtomic } from '../../shared/files/atomic-file.ts'
import { readSafely } from '../../shared/files/safe-file.ts'
import { openFolder } from '../../shared/files/safe-folder.ts'
import type { Log } from '../../shared/log.ts'
import { onDemand } from '../../shared/system/on-demand.ts'
import { certificatesOfFolder } from './folder.ts'
import { trustStoreOf } from './pkcs12.ts'

export interface TrustStoreSources {
  /** PEM of the internal CA's root, created if there is none. */
  readonly internalRoot: () => Promise<string>
  readonly log: Log
}

/**
 * Writes each store that has changed, with mode 0644: nothing in it is secret, and the program that reads it may run as
 * another user. Never rejects: certificates that cannot be read are skipped and logged, and a store that cannot be
 * written stays as it is.
 */
export async function writeTrustStores(plans: readonly TrustStorePlan[], sources: TrustStoreSources): Promise<void> {
  for (const plan of plans) {
    try {
      await writeTrustStore(plan, sources)
    } catch (error) {
      sources.log.error(`cannot write ${place(plan)}: ${messageOf(error)}; make ${dirname(plan.file)} writable`)
    }
  }
}

async function writeTrustStore(plan: TrustStorePlan, sources: TrustStoreSources): Promise<void> {
  const { file, name } = plan
  const certificates = await certificatesFor(plan, sources)
  if (certificates.length === 0)
    sources.log.warn(`${place(plan)} has no certificates: programs that use it will trust no one`)
  const content = await trustStoreOf(certificates)
  const folder = await openFolder(dirname(file), { make: 0o755 })
  folder.close()
  const old = await readSafely(file).catch(() => undefined)
  if (old?.equals(content)) return
  await writeFileAtomic(file, content, 0o644)
  sources.log.info(`wrote the trust store ${name}`, { file, certificates: certificates.length })
}

/** Those of the folder come first: they are the ones that people look for in the list. */
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
      log.error(`${place(plan)} lacks the root of the internal CA: ${messageOf(error)}`)
    }
  }
  if (plan.system) certificates.push(...systemAuthorities())
  return [...new Map(certificates.map((one) => [one.fingerprint256, one])).values()]
}

/** Those of the system; those that came with Node in slim images without any. */
function systemAuthorities(): readonly X509Certificate[] {
  const { getCACertificates } = onDemand.tls()
  const system = getCACertificates('system')
  return (system.length > 0 ? system : getCACertificates('default')).map((pem) => new X509Certificate(pem))
}

function place({ name, file }: TrustStorePlan): string {
  return `the trust store ${name} (${file})`
}
