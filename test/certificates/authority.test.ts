import { execFile } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { createAuthority } from '../../src/certificates/ca/authority.ts'
import type { IssuedCertificate } from '../../src/certificates/pem.ts'
import { type RecordedLog, recordedLog, temporaryFolder } from './fixture.ts'
import { makeCertificate } from './make-certificate.ts'

const day = 86_400_000
const run = promisify(execFile)

let folder: string
let log: RecordedLog
beforeEach(async () => {
  folder = join(await temporaryFolder(), 'storage', 'internal')
  log = recordedLog()
})
afterEach(() => {
  vi.useRealTimers()
})

const issue = (...domains: string[]) => createAuthority(folder, log).issue(domains)
const read = (name: string) => readFile(join(folder, name), 'utf8')
const at = (time: number) => vi.useFakeTimers({ toFake: ['Date'], now: time })

/** The names a real client was served under, trusting the root alone. */
async function dial(issued: IssuedCertificate, host: string, servername?: string): Promise<boolean> {
  const server = tls.createServer({ cert: issued.certificate, key: issued.key }, (socket) => socket.end())
  server.listen(0, host)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const client = tls.connect({ host, port, ca: await read('root.crt'), ...(servername && { servername }) })
  await once(client, 'secureConnect')
  const { authorized } = client
  client.destroy()
  return authorized
}

test('a client that trusts the root accepts the leaf by name, wildcard and address', async () => {
  const issued = await issue('localhost', '*.app.example', '127.0.0.1', '::1')
  expect(await dial(issued, '127.0.0.1', 'localhost')).toBe(true)
  expect(await dial(issued, '127.0.0.1', 'a.app.example')).toBe(true)
  expect(await dial(issued, '127.0.0.1')).toBe(true)
  await expect(dial(issued, '127.0.0.1', 'app.example')).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  expect(log.lines).toEqual([`info: created a new internal CA; clients must trust ${folder}/root.crt`])
})

const openssl = await run('openssl', ['version']).then(
  () => true,
  () => false,
)

test.skipIf(!openssl)('openssl finds nothing to object to, strictly, and every extension in its place', async () => {
  await issue('app.example', '10.1.2.3')
  const [root, leaf] = [join(folder, 'root.crt'), join(folder, 'app.example', 'leaf.crt')]
  const strict = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', root]
  const names = ['-verify_hostname', 'app.example', '-verify_ip', '10.1.2.3']
  expect((await run('openssl', [...strict, ...names, leaf])).stdout).toBe(`${leaf}: OK\n`)
  const wanted = 'basicConstraints,keyUsage,extendedKeyUsage,subjectAltName'
  const { stdout } = await run('openssl', ['x509', '-in', leaf, '-noout', '-ext', wanted])
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim())
  expect(lines).toEqual([
    'X509v3 Basic Constraints: critical',
    'CA:FALSE',
    'X509v3 Key Usage: critical',
    'Digital Signature, Key Encipherment',
    'X509v3 Extended Key Usage:',
    'TLS Web Server Authentication',
    'X509v3 Subject Alternative Name: critical',
    'DNS:app.example, IP Address:10.1.2.3',
  ])
})

test('a leaf lives for seven days, was valid an hour ago, and has a serial number of its own', async () => {
  const now = Date.now()
  const leaf = new X509Certificate((await issue('app.example')).certificate)
  const other = new X509Certificate((await issue('other.example')).certificate)
  expect(leaf.validToDate.getTime() - now).toBeGreaterThan(7 * day - 1_000)
  expect(leaf.validToDate.getTime() - now).toBeLessThan(7 * day + 60_000)
  expect(now - leaf.validFromDate.getTime()).toBeGreaterThan(3_500_000)
  expect(leaf.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/)
  expect(leaf.serialNumber).not.toBe(other.serialNumber)
})

test('keys and folders are for their owner alone', async () => {
  await issue('*.app.example')
  const mode = async (name: string) => (await stat(join(folder, name))).mode & 0o777
  expect(await mode('.')).toBe(0o700)
  expect(await mode('root.key')).toBe(0o600)
  expect(await mode('wildcard.app.example')).toBe(0o700)
  expect(await mode('wildcard.app.example/leaf.key')).toBe(0o600)
})

test('a second start serves the kept leaf and makes nothing new', async () => {
  const first = await issue('app.example', '*.localhost', '::1')
  log.lines.length = 0
  expect(await issue('app.example', '*.localhost', '::1')).toEqual(first)
  expect(log.lines).toEqual([])
})

test('a leaf is kept until two thirds of its life are over', async () => {
  const { certificate } = await issue('app.example')
  at(Date.now() + 4.6 * day)
  expect((await issue('app.example')).certificate).toBe(certificate)
  at(Date.now() + 0.2 * day)
  expect((await issue('app.example')).certificate).not.toBe(certificate)
})

test('a domain that was added or taken out needs a new leaf', async () => {
  const two = await issue('app.example', 'www.app.example')
  const one = await issue('app.example')
  expect(new X509Certificate(one.certificate).subjectAltName).toBe('DNS:app.example')
  expect((await issue('app.example', 'www.app.example')).certificate).not.toBe(two.certificate)
})

test('a leaf of another root, without its key or in pieces is replaced without fuss', async () => {
  await issue('app.example')
  const [certificate, key] = [join(folder, 'app.example/leaf.crt'), join(folder, 'app.example/leaf.key')]
  const foreign = makeCertificate()
  const spoil = [
    () => Promise.all([writeFile(certificate, foreign.certificate), writeFile(key, foreign.key)]),
    () => writeFile(key, foreign.key),
    () => writeFile(certificate, 'nothing'),
    () => rm(key),
  ]
  for (const spoiled of spoil) {
    await spoiled()
    expect(await dial(await issue('app.example'), '127.0.0.1', 'app.example')).toBe(true)
  }
  expect(log.lines.filter((line) => line.startsWith('warn'))).toEqual([])
})

const spoiledRoots: Record<string, () => Promise<unknown>> = {
  'does not parse (': () => writeFile(join(folder, 'root.crt'), '-----BEGIN CERTIFICATE-----\nMIID'),
  'lacks its key (root.key)': () => rm(join(folder, 'root.key')),
  'lacks its certificate (root.crt)': () => rm(join(folder, 'root.crt')),
  'does not match its key': () => writeFile(join(folder, 'root.key'), makeCertificate().key),
  'is not a CA certificate': async () => {
    const { certificate, key } = makeCertificate()
    await Promise.all([writeFile(join(folder, 'root.crt'), certificate), writeFile(join(folder, 'root.key'), key)])
  },
  'expires on ': async () => at(Date.now() + 3_645 * day),
}

for (const [problem, spoil] of Object.entries(spoiledRoots)) {
  test(`a root that ${problem}… is set aside with a warning, kept, and replaced`, async () => {
    const before = await issue('app.example')
    await spoil()
    const left = await Promise.all(['root.crt', 'root.key'].map((name) => read(name).catch(() => undefined)))
    log.lines.length = 0
    const after = await issue('app.example')
    expect(after.certificate).not.toBe(before.certificate)
    expect(new X509Certificate(after.certificate).checkIssued(new X509Certificate(await read('root.crt')))).toBe(true)
    expect(log.lines).toEqual([
      expect.stringMatching(/^warn: the internal CA's root .+; creating a new one, and keeping the old one as .+$/),
      expect.stringMatching(/^info: created a new internal CA/),
    ])
    expect(log.lines[0]).toContain(problem)
    const aside = (await readdir(folder)).filter((name) => name.includes('.unusable-')).sort()
    expect(await Promise.all(aside.map(read))).toEqual(left.filter((text) => text !== undefined))
  })
}

test('a root key that others may read is reported', async () => {
  await issue('app.example')
  await chmod(join(folder, 'root.key'), 0o644)
  log.lines.length = 0
  await issue('app.example')
  expect(log.lines).toEqual([expect.stringMatching(/^warn: the private key .+root\.key is accessible to other users/)])
})

test('a folder that cannot be used is named with the hint, and the file in its way is left alone', async () => {
  await mkdir(join(folder, '..'), { recursive: true })
  await writeFile(folder, 'mine')
  const error = await issue('app.example').catch((thrown) => thrown)
  expect(error).toMatchObject({ code: 'certificate-unusable' })
  expect(error.message).toMatch(/^the internal CA cannot use .+internal: ENOTDIR.+make it writable for user \d+/)
  expect(await readFile(folder, 'utf8')).toBe('mine')
})

test('the lock of a replica that died while it made them delays the others only briefly', async () => {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'lock'), 'elsewhere 1 dead\n')
  const began = performance.now()
  expect(await dial(await issue('localhost'), '127.0.0.1', 'localhost')).toBe(true)
  expect(performance.now() - began).toBeGreaterThan(4_900)
}, 15_000)

test('replicas that begin at once on one empty volume have one root and serve one leaf', async () => {
  const all = await Promise.all(Array.from({ length: 5 }, () => issue('localhost')))
  const root = new X509Certificate(await read('root.crt'))
  for (const { certificate, key } of all) {
    const leaf = new X509Certificate(certificate)
    expect(leaf.verify(root.publicKey)).toBe(true)
    expect(leaf.checkPrivateKey(createPrivateKey(key))).toBe(true)
  }
  expect(new Set(all.map(({ certificate }) => certificate)).size).toBe(1)
  expect(log.lines).toHaveLength(1)
  expect((await readdir(folder)).sort()).toEqual(['localhost', 'root.crt', 'root.key'])
})

test('a root and a leaf that were made while the clock ran ahead are not served on, but made anew, with a word', async () => {
  const now = Date.now()
  at(now + 30 * day)
  const ahead = await issue('localhost')
  const root = await read('root.crt')
  at(now)
  const next = await issue('localhost')
  expect(next.notBefore.getTime()).toBeLessThanOrEqual(now)
  expect(next.certificate).not.toBe(ahead.certificate)
  expect(await read('root.crt')).not.toBe(root)
  expect(log.lines.join('\n')).toMatch(/warn: the internal CA's root is not valid before .+ creating a new one/)
})

test('a leaf alone that is not valid yet is made anew, by the root that was there', async () => {
  await issue('first.example')
  const root = await read('root.crt')
  const now = Date.now()
  at(now + 3 * day)
  await issue('localhost')
  at(now)
  expect((await issue('localhost')).notBefore.getTime()).toBeLessThanOrEqual(now)
  expect(await read('root.crt')).toBe(root)
})

test('a clock that goes back by minutes changes nothing: certificates are dated back by an hour', async () => {
  const now = Date.now()
  const before = await issue('localhost')
  at(now - 20 * 60_000)
  expect((await issue('localhost')).certificate).toBe(before.certificate)
})
