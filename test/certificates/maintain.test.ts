import { X509Certificate } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { type Certificates, createCertificates } from '../../src/certificates/maintain.ts'
import type { CertificatePlan } from '../../src/plan/model/plan.ts'
import type { ServedCertificate } from '../../src/shared/served.ts'
import { certificatePlan, type RecordedLog, recordedLog, temporaryFolder, writtenPair } from './fixture.ts'
import { makeCertificate } from './make-certificate.ts'

const hour = 3_600_000
const day = 24 * hour
const internal = { kind: 'internal' } as const

let storage: string
let log: RecordedLog
beforeEach(async () => {
  storage = await temporaryFolder()
  log = recordedLog()
})
afterEach(() => {
  vi.useRealTimers()
})

const nobody = { present: async () => {}, withdraw: async () => {} }

function certificatesFor(...plans: CertificatePlan[]): Certificates {
  const certificates = createCertificates({ plans, storage, log, presenter: nobody, runDnsHook: async () => {} })
  onTestFinished(() => certificates.close())
  return certificates
}

const nextList = (certificates: Certificates) =>
  new Promise<readonly ServedCertificate[]>((resolve) => certificates.subscribe(resolve))

test('the first source that can serve does, and the status says where it came from, without its key', async () => {
  const made = makeCertificate({ notAfter: new Date('2046-01-02T03:04:05Z') })
  const files = await writtenPair(storage, made)
  const certificates = certificatesFor(certificatePlan(['app.example'], { ...files, anyName: true }, internal))
  expect(await certificates.load()).toEqual([
    { names: ['app.example'], certificate: made.certificate, key: made.key, anyName: true },
  ])
  expect(certificates.describe()).toEqual([
    {
      names: ['app.example'],
      source: 'files',
      issuer: 'Made for a test',
      notBefore: expect.any(String),
      notAfter: '2046-01-02T03:04:05.000Z',
      skipped: [],
      fallback: false,
    },
  ])
  expect(log.lines).toEqual([])
})

test('a source that cannot serve is passed over, in the log and in the status', async () => {
  const files = { kind: 'files', certificate: '/none/chain.pem', key: '/none/key.pem', anyName: true } as const
  const certificates = certificatesFor(certificatePlan(['localhost'], files, internal))
  const [served] = await certificates.load()
  expect(served).toMatchObject({ names: ['localhost'], anyName: false })
  const error = '/none/chain.pem: the certificate file does not exist; put it there or correct the path'
  expect(log.lines).toContain(`warn: certificate for localhost: internal serves instead of files: ${error}`)
  expect(certificates.describe()).toEqual([
    expect.objectContaining({
      source: 'internal',
      issuer: expect.stringMatching(/^Gatehouse internal CA [0-9a-f]{8}$/),
      skipped: [{ source: 'files', error }],
    }),
  ])
})

test('when no source can serve, all reasons are reported, with the place in the config file', async () => {
  await writeFile(join(storage, 'internal'), '')
  const files = { kind: 'files', certificate: '/none/chain.pem', key: '/none/key.pem', anyName: false } as const
  const error = await certificatesFor(certificatePlan(['a.example', 'b.example'], files, internal))
    .load()
    .catch((thrown) => thrown)
  expect(error.code).toBe('certificate-unusable')
  expect(error.message.split('\n')).toEqual([
    '/etc/gatehouse.yaml:12:5: no source can serve the certificate for a.example, b.example:',
    '  files: /none/chain.pem: the certificate file does not exist; put it there or correct the path',
    expect.stringMatching(/^ {2}internal: the internal CA cannot use .+internal: ENOTDIR/),
  ])
})

test('new plans that cannot be served leave the old certificates in service', async () => {
  const certificates = certificatesFor(certificatePlan(['localhost'], internal))
  await certificates.load()
  const before = certificates.describe()
  const received = vi.fn()
  certificates.subscribe(received)
  const files = { kind: 'files', certificate: '/none/chain.pem', key: '/none/key.pem', anyName: false } as const
  const broken = certificatePlan(['new.example'], files)
  await expect(certificates.apply([certificatePlan(['ok.example'], internal), broken])).rejects.toThrow('new.example')
  expect(certificates.describe()).toEqual(before)
  expect(received).not.toHaveBeenCalled()
})

test('files that were changed are read again by the same plans, and only a change is logged', async () => {
  const files = await writtenPair(storage, makeCertificate())
  const plans = [certificatePlan(['app.example'], files)]
  const certificates = certificatesFor(...plans)
  const first = await certificates.load()
  const received = vi.fn()
  const unsubscribe = certificates.subscribe(received)
  expect(await certificates.apply(plans)).toBe(first)
  expect(received).not.toHaveBeenCalled()
  const renewed = makeCertificate()
  await writtenPair(storage, renewed)
  const second = await certificates.apply(plans)
  expect(second).toMatchObject([{ certificate: renewed.certificate }])
  expect(received.mock.calls).toEqual([[second]])
  unsubscribe()
  await certificates.apply([])
  expect(received).toHaveBeenCalledTimes(1)
})

test('a leaf that falls due is renewed by the hourly check, and what came from files is left alone', async () => {
  const files = await writtenPair(storage, makeCertificate())
  const certificates = certificatesFor(
    certificatePlan(['localhost'], internal),
    certificatePlan(['app.example'], files),
  )
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
  const [oldLeaf, fromFiles] = await certificates.load()
  certificates.watch()
  await rm(files.certificate)
  vi.setSystemTime(Date.now() + 5 * day)
  const changed = nextList(certificates)
  vi.advanceTimersByTime(hour)
  const [newLeaf, still] = await changed
  expect(still).toEqual(fromFiles)
  const end = (served?: ServedCertificate) => new X509Certificate(served?.certificate ?? '').validToDate.getTime()
  expect(end(newLeaf) - end(oldLeaf)).toBeGreaterThanOrEqual(5 * day)
  expect(log.lines).toContainEqual(expect.stringMatching(/^info: renewed the certificate for localhost, valid until /))
  expect(log.lines.at(-1)).toMatch(/^error: cannot renew the certificate for app.example, .*does not exist/)
})

test('a renewal that fails is an error in the log, and the old leaf stays', async () => {
  const certificates = certificatesFor(certificatePlan(['localhost'], internal))
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
  const before = await certificates.load()
  const said = new Promise<string>((resolve) => {
    log.error = resolve
  })
  certificates.watch()
  await rm(join(storage, 'internal'), { recursive: true })
  await writeFile(join(storage, 'internal'), '')
  vi.advanceTimersByTime(hour)
  expect(await said).toMatch(/^cannot renew the certificate for localhost, which expires on .+: the internal CA cannot/)
  expect(certificates.describe()).toHaveLength(1)
  await rm(join(storage, 'internal'))
  expect(await certificates.load()).not.toEqual(before)
})

test('two certificates asked for at once come from one root', async () => {
  const certificates = certificatesFor()
  const lists = await Promise.all([
    certificates.apply([certificatePlan(['a.example'], internal)]),
    certificates.apply([certificatePlan(['b.example'], internal)]),
  ])
  const issuers = lists.map(([served]) => new X509Certificate(served?.certificate ?? '').issuer)
  expect(issuers[0]).toBe(issuers[1])
  expect(log.lines).toHaveLength(1)
})

test('files that are not valid yet do not serve while another source can, and the status says why', async () => {
  const files = await writtenPair(storage, makeCertificate({ notBefore: new Date(Date.now() + day) }))
  const certificates = certificatesFor(certificatePlan(['localhost'], { ...files, anyName: true }, internal))
  await certificates.load()
  const [status] = certificates.describe()
  expect(status?.source).toBe('internal')
  expect(status?.skipped[0]?.error).toMatch(/is not valid before .+; is this machine's clock right\?/)
  expect(log.lines.join()).toContain('is not valid before')
})

test('files that are ahead by less than a clock may be wrong serve', async () => {
  const files = await writtenPair(storage, makeCertificate({ notBefore: new Date(Date.now() + 60_000) }))
  const certificates = certificatesFor(certificatePlan(['localhost'], { ...files, anyName: true }, internal))
  await certificates.load()
  expect(certificates.describe()[0]?.source).toBe('files')
})

test('a certificate of our own CA is replaced while it serves, when the clock that ran ahead is put back', async () => {
  const now = Date.now()
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'], now: now + 30 * day })
  const certificates = certificatesFor(certificatePlan(['localhost'], internal))
  const [ahead] = await certificates.load()
  certificates.watch()
  const next = nextList(certificates)
  vi.setSystemTime(now)
  await vi.advanceTimersByTimeAsync(hour)
  const [served] = await next
  expect(served?.certificate).not.toBe(ahead?.certificate)
  expect(new X509Certificate(served?.certificate ?? '').validFromDate.getTime()).toBeLessThanOrEqual(Date.now())
})
