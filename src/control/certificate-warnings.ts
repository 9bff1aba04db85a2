import { oneLine } from '../shared/one-line.ts'
import type { CertificateStatus } from './contract/certificates.ts'

/**
 * What is wrong with a certificate, a few words each. Warnings, not reasons to restart a container: a restart gets no
 * certificate sooner. `now`: Unix time in milliseconds.
 */
export function certificateWarnings(certificate: CertificateStatus, now: number): readonly string[] {
  const { notBefore, notAfter, fallback, renewal } = certificate
  const names = certificate.names.join(', ')
  const warnings: string[] = []
  if (fallback) warnings.push(`the internal CA serves ${names}, which browsers warn about`)
  if (Date.parse(notAfter) <= now) warnings.push(`the certificate of ${names} expired on ${notAfter}`)
  if (isNotYetValid(notBefore, now)) warnings.push(`the certificate of ${names} is not valid before ${notBefore}`)
  if (renewal && renewal.failures > 0) {
    const reason = renewal.lastError === undefined ? '' : `: ${oneLine(renewal.lastError)}`
    const times = renewal.failures === 1 ? '' : ` (${renewal.failures} times)`
    warnings.push(`no new certificate for ${names}${times}${reason}`)
  }
  return warnings
}

/** Whether a certificate is not valid yet. `notBefore`: ISO time; older versions do not report it. */
export function isNotYetValid(notBefore: string | undefined, now: number): boolean {
  return notBefore !== undefined && Date.parse(notBefore) > now
}
