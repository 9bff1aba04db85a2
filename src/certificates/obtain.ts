import type { CertificatePlan, CertificateSourcePlan } from '../plan/types.ts'
import { GatehouseError, messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { Authority } from './issuer/authority.ts'
import { certificateFromFiles } from './issuer/files.ts'
import type { IssuedCertificate } from './pem.ts'
import type { SkippedSource } from './ports.ts'

/** A certificate that is being served, with where it came from. */
export interface HeldCertificate {
  readonly plan: CertificatePlan
  readonly source: CertificateSourcePlan
  readonly issued: IssuedCertificate
  readonly skipped: readonly SkippedSource[]
}

/** What sources need to do their work. */
export interface Issuers {
  readonly authority: Authority
  readonly log: Log
}

/**
 * The certificate of the first source that can serve, with a warning for each that had to be passed over.
 * Throws `certificate-unusable` with every reason if none can.
 */
export async function obtain(plan: CertificatePlan, issuers: Issuers): Promise<HeldCertificate> {
  const skipped: SkippedSource[] = []
  for (const source of plan.use) {
    try {
      const issued = await obtainFrom(source, plan.domains, issuers)
      for (const { source: kind, error } of skipped) {
        issuers.log.warn(
          `certificate for ${plan.domains.join(', ')}: ${source.kind} serves instead of ${kind}: ${error}`,
        )
      }
      return { plan, source, issued, skipped }
    } catch (error) {
      skipped.push({ source: source.kind, error: messageOf(error) })
    }
  }
  const { file, line, column } = plan.position
  const reasons = skipped.map(({ source, error }) => `\n  ${source}: ${error}`).join('')
  throw new GatehouseError(
    'certificate-unusable',
    `${file}:${line}:${column}: no source can serve the certificate for ${plan.domains.join(', ')}:${reasons}`,
  )
}

/** A certificate from this one source. Throws `certificate-unusable` if it cannot serve. */
export function obtainFrom(
  source: CertificateSourcePlan,
  domains: readonly string[],
  { authority, log }: Issuers,
): Promise<IssuedCertificate> {
  switch (source.kind) {
    case 'files':
      return certificateFromFiles(source, domains, log)
    case 'internal':
      return authority.issue(domains)
  }
}
