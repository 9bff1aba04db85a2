/** When a later source replaces one that still serves. Pure. */
import type { CertificateSourceKind } from './certificate-source.ts'
import { dueAt, isEmergency, type Lifetime } from './renewal.ts'

/** The files of a program that Gatehouse has replaced: nothing renews them any more. */
export function isAdopted(kind: CertificateSourceKind): boolean {
  return kind === 'certbot' || kind === 'caddy'
}

export interface InUse {
  readonly kind: CertificateSourceKind
  readonly life: Lifetime
  /** In [0, 1), as in `dueAt`. */
  readonly random: number
  /** Unix time in milliseconds. */
  readonly now: number
}

/**
 * An adopted certificate is replaced when it is due, long before it expires; one from ACME shortly before it expires,
 * since until then it is being renewed. Files are replaced by their owner, and the internal CA always renews in time.
 */
export function yieldsToLater({ kind, life, random, now }: InUse): boolean {
  if (isAdopted(kind)) return now >= dueAt(life, random)
  return kind === 'acme' && isEmergency(life, now)
}
