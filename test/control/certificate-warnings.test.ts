import { expect, it } from 'vitest'
import { certificateLines } from '../../src/cli/certs/certificate-lines.ts'
import { renderCertificates } from '../../src/cli/certs/list.ts'
import { certificateWarnings } from '../../src/control/certificate-warnings.ts'
import type { CertificateStatus } from '../../src/control/contract/certificates.ts'

const now = Date.parse('2026-06-01T00:00:00Z')
const certificate: CertificateStatus = {
  names: ['app.example'],
  source: 'files',
  issuer: 'Somebody',
  notBefore: '2126-06-08T00:00:00.000Z',
  notAfter: '2126-09-01T00:00:00.000Z',
  skipped: [],
  fallback: false,
}

it('says of a certificate that is not valid yet what it says of an expired one: in warnings, status and list', () => {
  const words = /not valid before 2126-06-08/
  expect(certificateWarnings(certificate, now).join()).toMatch(words)
  expect(certificateLines(certificate, (_, text) => text)).toMatch(words)
  expect(renderCertificates([certificate], now).join()).toMatch(words)
})
