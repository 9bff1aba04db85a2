import { expect, test } from 'vitest'
import { renderCertificates } from '../../src/cli/certs/list.ts'
import type { CertificateStatus } from '../../src/control/contract/certificates.ts'
import { opened, sampleStatus, temporaryFolder } from '../control/fixture.ts'
import { gatehouse } from './gatehouse-command.ts'

const now = Date.parse('2026-06-01T00:00:00.000Z')
const day = 86_400_000

function a(certificate: Partial<CertificateStatus>): CertificateStatus {
  return {
    names: ['app.example'],
    source: 'acme',
    issuer: 'R3',
    notAfter: '2026-08-30T12:34:56.000Z',
    skipped: [],
    fallback: false,
    ...certificate,
  }
}

function cells(certificate: Partial<CertificateStatus>): string[] | undefined {
  return renderCertificates([a(certificate)], now)[1]?.split(/ {2,}/)
}

test('a line for each certificate, aligned', () => {
  const renewal = { due: now + 60 * day, advised: true, failures: 0, underWay: false }
  const other = a({
    names: ['b.example', '*.b.example'],
    source: 'files',
    issuer: 'My CA',
    notAfter: '2026-05-31T23:59:59.000Z',
  })
  expect(renderCertificates([a({ renewal }), other], now)).toEqual([
    'NAME                    ISSUER         NOT AFTER                    NEXT RENEWAL                       LAST ERROR',
    'app.example             R3 (acme)      2026-08-30T12:34Z (90d 12h)  renewal in 60d, as its CA advises  -',
    'b.example, *.b.example  My CA (files)  2026-05-31T23:59Z (expired)  -                                  -',
  ])
})

test('a failure has its reason and the time of the next attempt, whatever it was of', () => {
  const failing = {
    advised: false,
    failures: 1,
    lastError: 'no\u001b[2J route\nmore',
    nextAttempt: now + 90_000,
    underWay: false,
  }
  expect(cells({ renewal: failing, fallback: true })?.slice(1)).toEqual([
    'R3 (fallback)',
    '2026-08-30T12:34Z (90d 12h)',
    'next attempt in 1m 30s',
    'no route',
  ])
  expect(cells({ renewal: { ...failing, underWay: true } })?.[3]).toBe('being renewed')
  expect(cells({ renewal: { ...failing, nextAttempt: undefined, due: now - 1 } })?.[3]).toBe('renewal due now')
  expect(cells({ skipped: [{ source: 'files', error: 'expired' }] })?.slice(3)).toEqual(['-', 'files: expired'])
})

test('without certificates it says so; `certs` alone teaches its verbs', async () => {
  const socket = `${await temporaryFolder()}/control.sock`
  await opened(socket, () => ({ ...sampleStatus, certificates: [] }))
  expect(await gatehouse('certs', 'list', '--socket', socket)).toEqual({ code: 0, out: 'no certificates\n', err: '' })
  const { code, err } = await gatehouse('certs')
  expect(code).toBe(2)
  for (const verb of ['list', 'renew', 'trust', 'doctor']) expect(err).toContain(`gatehouse certs ${verb}`)
})

test('a doctor that is asked wrongly says what it wants', async () => {
  const reported = async (...words: string[]) => (await gatehouse('certs', 'doctor', ...words)).err
  expect(await reported('--resolver', 'dns.example')).toContain('write `address` or `address:port`')
  expect(await reported('--ports', '80')).toContain('write two ports, such as `8080,8443`')
})
