import type { CertificatePlan } from '../plan/model/certificates.ts'
import { ephemeralKind } from '../shared/files/ephemeral.ts'
import type { Log } from '../shared/log.ts'

/**
 * Warns, once at a start, if ACME certificates will be lost with the container: each new one would request them all
 * again, and CAs issue only a few a week for the same names. `storage`: absolute path. Never rejects.
 */
export async function warnIfEphemeral(plans: readonly CertificatePlan[], storage: string, log: Log): Promise<void> {
  if (!plans.some(({ use }) => use.some(({ kind }) => kind === 'acme'))) return
  const kind = await ephemeralKind(storage)
  if (kind === undefined) return
  log.warn(
    `the storage ${storage} is on ${kind}, which is lost with the container: each new container requests all certificates again, until the CA refuses; mount a volume there, or set \`storage\` to a path on one`,
  )
}
