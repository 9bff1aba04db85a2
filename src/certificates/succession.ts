/** When a source that still serves makes room for a later one. Pure. */
import type { CertificateSourceKind } from './certificate-source.ts'
import { dueAt, isEmergency, type Lifetime } from './renewal.ts'

/** What another program kept in the place that is ours now: nobody renews it any more. */
export function isAdopted(kind: CertificateSourceKind): boolean {
  return kind === 'certbot' || kind === 'caddy'
}

export interface GenerationRef {
  readonly kind: CertificateSourceKind
  readonly life: Lifetime
  /** In [0, 1), the same for one certificate, as in `dueAt`. */
  readonly random: number
  /** Unix time in milliseconds. */
  readonly now: number
}

/**
 * An adopted certificate does when it is due, so that its successor is there long before it expires; one by ACME when hardly
 * anything is left, since it is being renewed until then. Files are their owner's to replace, and our own CA never fails to.
 */
export function makesRoom({ kind, life, random, now }: GenerationRef): boolean {
  if (isAdopted(kind)) return now >= dueAt(life, random)
  return kind === 'acme' && isEmergency(life, now)
}
