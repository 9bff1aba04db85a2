/** Trust stores, judged by those that read them: OpenSSL, and Java above all. */
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { getCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createAuthority } from '../../src/certificates/ca/authority.ts'
import { certificatesIn } from '../../src/certificates/pem.ts'
import { aliasOf, trustStoreOf } from '../../src/certificates/trust-store/pkcs12.ts'
import { writeTrustStores } from '../../src/certificates/trust-store/write.ts'
import type { TrustStorePlan } from '../../src/plan/model/certificates.ts'
import { part } from '../parts.ts'
import { type RecordedLog, recordedLog, temporaryFolder } from './fixture.ts'
import { makeCertificate } from './make-certificate.ts'

const run = promisify(execFile)
const openssl = part('openssl')
const fetcher = resolve(import.meta.dirname, '../fixtures/java/Fetch.java')

let folder: string
let certificates: string
let log: RecordedLog
beforeEach(async () => {
  folder = await temporaryFolder()
  certificates = join(folder, 'ca-certs')
  await mkdir(certificates)
  log = recordedLog()
})

const file = () => join(folder, 'stores/java.p12')
const put = (name: string, content: string | Buffer) => writeFile(join(certificates, name), content)
const made = (commonName: string) => makeCertificate({ commonName, authority: true }).certificate
const internalRoot = () => createAuthority(join(folder, 'internal'), log).root()

async function write(options: Partial<TrustStorePlan> = {}, root = internalRoot): Promise<void> {
  const position = { file: '/etc/gatehouse.yaml', line: 12, column: 5 }
  const plan = { name: 'java', file: file(), certificates, system: false, internal: false, position, ...options }
  await writeTrustStores([plan], { internalRoot: root, log })
}

/** The common names in the store, as OpenSSL finds them once it has verified the MAC. */
async function namesIn(path: string): Promise<string[]> {
  const words = ['pkcs12', '-in', path, '-nokeys', '-passin', 'pass:changeit']
  const { stdout } = await run(openssl ?? '', words, { maxBuffer: 16 * 1024 * 1024 })
  return certificatesIn(stdout).map(({ subject }) => subject.replace('CN=', ''))
}

describe.skipIf(!openssl)('a store as OpenSSL reads it', () => {
  test('has 150 certificates in their order, each with an alias of its own and trusted for every use', async () => {
    const all = Array.from({ length: 150 }, (_, index) => new X509Certificate(made(`CA ${index % 10}`)))
    const path = join(folder, 'many.p12')
    await writeFile(path, await trustStoreOf(all))
    const words = ['pkcs12', '-in', path, '-nokeys', '-info', '-passin', 'pass:changeit']
    const { stdout, stderr } = await run(openssl ?? '', words, { maxBuffer: 16 * 1024 * 1024 })
    expect(stderr).toContain('MAC: sha256, Iteration 2048')
    expect(certificatesIn(stdout).map(({ fingerprint256 }) => fingerprint256)).toEqual(
      all.map(({ fingerprint256 }) => fingerprint256),
    )
    const aliases = [...stdout.matchAll(/friendlyName: (.+)/g)].map(([, alias]) => alias)
    expect(aliases).toEqual(all.map(aliasOf))
    expect(new Set(aliases).size).toBe(150)
    expect(stdout.match(/2\.16\.840\.1\.113894\.746875\.1\.1/g)?.length).toBe(150)
  })

  test('cannot be opened with a wrong password', async () => {
    await put('a.crt', made('A'))
    await write()
    const words = ['pkcs12', '-in', file(), '-nokeys', '-passin', 'pass:changed']
    await expect(run(openssl ?? '', words)).rejects.toMatchObject({ stderr: expect.stringContaining('Mac verify') })
  })

  test('holds PEM, bundles, DER and what links lead to; other files are not looked at', async () => {
    await put('1-one.crt', `Subject: one\n${made('One')}`)
    await put('2-bundle.pem', made('Two') + made('Three'))
    await put('3-der.crt', new X509Certificate(made('Four')).raw)
    await writeFile(join(folder, 'elsewhere'), made('Five'))
    await symlink('../elsewhere', join(certificates, '4-link.crt'))
    await put('notes.txt', 'these are ours')
    await write()
    expect(await namesIn(file())).toEqual(['One', 'Two', 'Three', 'Four', 'Five'])
    expect(log.lines).toEqual(['info: wrote the trust store java'])
  })

  test('holds no private key, wherever one lies beside a certificate', async () => {
    const pair = makeCertificate({ commonName: 'With its key' })
    await put('pair.pem', pair.key + pair.certificate)
    await write()
    expect(await namesIn(file())).toEqual(['With its key'])
    const { stdout } = await run(openssl ?? '', ['pkcs12', '-in', file(), '-nodes', '-passin', 'pass:changeit'])
    expect(stdout).not.toContain('PRIVATE KEY')
    const der = pair.privateKey.export({ type: 'pkcs8', format: 'der' })
    expect((await readFile(file())).includes(der)).toBe(false)
  })

  test('holds a certificate once that is there twice', async () => {
    const twice = made('Twice')
    await put('a.crt', twice)
    await put('b.pem', twice + made('Once'))
    await write()
    expect(await namesIn(file())).toEqual(['Twice', 'Once'])
  })

  test.each([
    ['cut.crt', made('Cut').slice(0, 300), 'contains no certificate; export it again as PEM, or remove the file'],
    ['empty.pem', '', 'contains no certificate; export it again as PEM, or remove the file'],
    [
      'garbled.crt',
      made('Garbled').replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA'),
      'contains a certificate that does not parse; export it again as PEM, or remove the file',
    ],
    [
      'short.crt',
      new X509Certificate(made('Short')).raw.subarray(0, 90),
      'contains a certificate that does not parse; export it again as PEM, or remove the file',
    ],
  ])('leaves %s out, names it with the hint, and holds the others', async (name, content, problem) => {
    await put(name, content)
    await put('good.crt', made('Good'))
    await write()
    expect(await namesIn(file())).toEqual(['Good'])
    expect(log.lines).toEqual([
      `warn: the trust store java (${file()}): skipping ${join(certificates, name)}: it ${problem}`,
      'info: wrote the trust store java',
    ])
  })

  test('leaves out a folder, a named pipe and a link that leads nowhere, without waiting for any', async () => {
    await mkdir(join(certificates, 'a.crt'))
    await run('mkfifo', [join(certificates, 'b.crt')])
    await symlink('nowhere', join(certificates, 'c.crt'))
    await put('good.crt', made('Good'))
    await write()
    expect(await namesIn(file())).toEqual(['Good'])
    expect(log.lines.slice(0, 3).map((line) => line.slice(line.indexOf(certificates) + certificates.length))).toEqual([
      '/a.crt: it is not a regular file; put the certificate there, or rename it',
      '/b.crt: it is not a regular file; put the certificate there, or rename it',
      '/c.crt: it is a dangling link; fix or remove it',
    ])
  })

  test('takes the other sources when the internal CA cannot work', async () => {
    await put('good.crt', made('Good'))
    await write({ internal: true }, () => Promise.reject(new Error('the disk is full')))
    expect(await namesIn(file())).toEqual(['Good'])
    expect(log.lines[0]).toBe(
      `error: the trust store java (${file()}) lacks the root of the internal CA: the disk is full`,
    )
  })
})

test('a folder that does not exist has no certificates; one that is a file is reported', async () => {
  await write({ certificates: join(folder, 'absent'), internal: true })
  expect(log.lines.filter((line) => !line.startsWith('info'))).toEqual([])
  await writeFile(join(folder, 'mistaken'), '')
  await write({ certificates: join(folder, 'mistaken'), internal: true })
  expect(log.lines.at(-1)).toBe(
    `warn: the trust store java (${file()}): the folder ${folder}/mistaken cannot be read (ENOTDIR); name a folder`,
  )
})

test('a store without certificates is written and reported', async () => {
  await write()
  expect((await stat(file())).size).toBeGreaterThan(0)
  expect(log.lines[0]).toBe(
    `warn: the trust store java (${file()}) has no certificates: programs that use it will trust no one`,
  )
})

test('any user may read it, and it is written again only when its certificates change', async () => {
  await put('a.crt', made('A'))
  await write()
  expect((await stat(file())).mode & 0o777).toBe(0o644)
  expect((await stat(join(folder, 'stores'))).mode & 0o777).toBe(0o755)
  await utimes(file(), 1, 1)
  await write()
  expect((await stat(file())).mtimeMs).toBe(1_000)
  await put('b.crt', made('B'))
  await write()
  expect((await stat(file())).mtimeMs).toBeGreaterThan(1_000)
  expect(await readdir(join(folder, 'stores'))).toEqual(['java.p12'])
})

test('a store that cannot be written stays as it was, and is reported', async () => {
  await put('a.crt', made('A'))
  await mkdir(file(), { recursive: true })
  await write()
  expect(log.lines).toEqual([expect.stringMatching(/^error: cannot write the trust store java \(.+\): EISDIR/)])
  expect(await readdir(join(folder, 'stores'))).toEqual(['java.p12'])
})

interface Pair {
  readonly certificate: string
  readonly key: string
}

/** `https://localhost:PORT/` of a server that says hello. */
async function serve({ certificate, key }: Pair): Promise<string> {
  const server = createServer({ cert: certificate, key }, (_, response) => void response.end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `https://localhost:${(server.address() as AddressInfo).port}/`
}

describe.skipIf(!part('javac'))('Java', () => {
  test('fetches from servers of the internal CA and of EC and RSA roots with the store, and from none without', async () => {
    const ec = makeCertificate({ commonName: 'EC root', authority: true, keyType: 'ec' })
    const rsa = makeCertificate({ commonName: 'RSA root', authority: true, keyType: 'rsa' })
    await put('ec.crt', ec.certificate)
    await put('rsa.pem', rsa.certificate)
    await write({ internal: true, system: true })
    const own = await createAuthority(join(folder, 'internal'), log).issue(['localhost'])
    const urls = [
      await serve(own),
      await serve(makeCertificate({ names: ['localhost'], issuer: ec })),
      await serve(makeCertificate({ names: ['localhost'], issuer: rsa })),
    ]
    const properties = { trustStore: file(), trustStorePassword: 'changeit', trustStoreType: 'PKCS12' }
    const words = Object.entries(properties).map(([name, value]) => `-Djavax.net.ssl.${name}=${value}`)
    const [trusting, other] = await Promise.all([
      run('java', [...words, fetcher, ...urls]),
      run('java', [fetcher, ...urls]),
    ])
    const system = new Set(getCACertificates('system'))
    if (system.size === 0) for (const one of getCACertificates('default')) system.add(one)
    expect(trusting.stdout.split('\n')).toEqual([
      `trusts ${system.size + 3}`,
      ...urls.map((url) => `fetched ${url} hello`),
      '',
    ])
    for (const url of urls) expect(other.stdout).toMatch(new RegExp(`^refused ${url} .*unable to find valid`, 'm'))
  }, 60_000)
})
