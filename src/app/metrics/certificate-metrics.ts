import type { CertificateStatus } from '../../certificates/certificate-source.ts'
import type { Family } from '../../telemetry/metrics-page.ts'

/** Labelled with the first name of each certificate, which is also the name of its folder in storage. */
export function certificateFamilies(certificates: readonly CertificateStatus[]): readonly Family[] {
  const perCertificate = (pick: (one: CertificateStatus) => number | undefined) =>
    certificates.flatMap((one) => {
      const value = pick(one)
      return value === undefined ? [] : [{ labels: { name: one.names[0] ?? '' }, value }]
    })
  return [
    {
      name: 'gatehouse_certificate_expiry_timestamp_seconds',
      help: 'Expiry of the certificate in use, in Unix time.',
      type: 'gauge',
      values: perCertificate(({ notAfter }) => Date.parse(notAfter) / 1_000),
    },
    {
      name: 'gatehouse_certificate_not_before_timestamp_seconds',
      help: 'Start of validity of the certificate in use, in Unix time.',
      type: 'gauge',
      values: perCertificate(({ notBefore }) => (notBefore === undefined ? undefined : Date.parse(notBefore) / 1_000)),
    },
    {
      name: 'gatehouse_certificate_renewal_failures',
      help: 'Consecutive failed attempts to get a certificate from its ACME server; 0 after a success.',
      type: 'gauge',
      values: perCertificate(({ renewal }) => renewal?.failures),
    },
  ]
}
