import { createPrivateKey, X509Certificate } from 'node:crypto'
import { chmod, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { certificateFromFiles } from '../../src/certificates/files/files.ts'
import { unprivileged } from '../unprivileged.ts'
import { recordedLog, temporaryFolder, writtenPair } from './fixture.ts'
import { makeCertificate } from './make-certificate.ts'

const domains = ['app.example']
const day = 86_400_000

async function read(pair: { certificate: string; key: string }, names: readonly string[] = domains) {
  const log = recordedLog()
  const source = await writtenPair(await temporaryFolder(), pair)
  return { log, source, result: certificateFromFiles(source, names, log) }
}

for (const keyType of ['ec', 'rsa'] as const) {
  test(`a chain with an ${keyType} key is read, leaf first, with its facts`, async () => {
    const intermediate = makeCertificate({ commonName: 'Intermediate', names: [] })
    const leaf = makeCertificate({ keyType, issuer: intermediate, notAfter: new Date('2046-01-02T03:04:05Z') })
    const { result, log } = await read({ ...leaf, certificate: leaf.certificate + intermediate.certificate })
    const { certificate, key, issuer, notAfter } = await result
    expect(certificate).toBe(leaf.certificate + intermediate.certificate)
    expect(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))).toBe(true)
    expect(issuer).toBe('Intermediate')
    expect(notAfter.toISOString()).toBe('2046-01-02T03:04:05.000Z')
    expect(log.lines).toEqual([])
  })
}

test('a key in the old EC form, behind its parameters, is read', async () => {
  const made = makeCertificate()
  const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'
  const { result } = await read({
    certificate: made.certificate,
    key: parameters + made.privateKey.export({ type: 'sec1', format: 'pem' }),
  })
  expect((await result).key).toBe(made.key)
})

test('a key that shares the file of its certificate does not get into the certificate', async () => {
  const { certificate, key } = makeCertificate()
  const combined = `Bag Attributes\n${key}${certificate}`
  const { result } = await read({ certificate: combined, key: combined })
  expect(await result).toMatchObject({ certificate, key })
})

test('a key file that others may read is reported, and served', async () => {
  const { source, log, result } = await read(makeCertificate())
  await result
  await chmod(source.key, 0o640)
  await certificateFromFiles(source, domains, log)
  expect(log.lines).toEqual([
    `warn: the private key ${source.key} is accessible to other users (mode 0640): chmod 600 ${source.key}`,
  ])
})

test('a certificate that lacks one of its domains is reported, and served', async () => {
  const { result, log, source } = await read(makeCertificate({ names: ['*.example.com'] }), [
    '*.example.com',
    'www.example.com',
    'example.com',
  ])
  await result
  expect(log.lines).toEqual([
    `warn: ${source.certificate}: is for *.example.com and does not cover example.com: clients will reject it for those`,
  ])
})

test('anyName takes a certificate for quite other names without a word', async () => {
  const log = recordedLog()
  const source = await writtenPair(await temporaryFolder(), makeCertificate({ names: ['elsewhere.example'] }))
  const { issuer } = await certificateFromFiles({ ...source, anyName: true }, domains, log)
  expect(issuer).toBe('Made for a test')
  expect(log.lines).toEqual([])
})

const unusable: Record<string, { pair: () => { certificate: string; key: string }; at: string; says: RegExp }> = {
  'is expired': {
    pair: () =>
      makeCertificate({ notBefore: new Date(Date.now() - 2 * day), notAfter: new Date('2026-01-01T00:00:00Z') }),
    at: 'chain.pem',
    says: /expired on 2026-01-01T00:00:00\.000Z; renew it$/,
  },
  'is not valid yet': {
    pair: () => makeCertificate({ notBefore: new Date(Date.now() + day) }),
    at: 'chain.pem',
    says: /not valid before .+ clock right\?$/,
  },
  'is for other names': {
    pair: () => makeCertificate({ names: ['a.test', 'b.test'] }),
    at: 'chain.pem',
    says: /is for a\.test, b\.test and does not cover app\.example; get one that does, or set anyName: true$/,
  },
  'belongs to another key': {
    pair: () => ({ certificate: makeCertificate().certificate, key: makeCertificate().key }),
    at: 'key.pem',
    says: /the key does not belong to the certificate in .+chain\.pem/,
  },
  'stands behind its issuer in the file': {
    pair: () => {
      const issuer = makeCertificate({ commonName: 'Issuer' })
      const leaf = makeCertificate({ issuer })
      return { certificate: issuer.certificate + leaf.certificate, key: leaf.key }
    },
    at: 'chain.pem',
    says: /certificate is number 2; put it first in the file$/,
  },
  'is not PEM': {
    pair: () => ({ ...makeCertificate(), certificate: 'MIIB' }),
    at: 'chain.pem',
    says: /holds no PEM certificate .+ openssl x509 -inform der/,
  },
  'is cut off inside': {
    pair: () => ({
      ...makeCertificate(),
      certificate: makeCertificate().certificate.replace(/\n.{64}\n.{64}\n/, '\n'),
    }),
    at: 'chain.pem',
    says: /a certificate in it does not parse .+ copy the whole file again$/,
  },
  'has no key': {
    pair: () => ({ ...makeCertificate(), key: makeCertificate().certificate }),
    at: 'key.pem',
    says: /holds no PEM private key/,
  },
  'has a key that does not parse': {
    pair: () => ({ ...makeCertificate(), key: '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n' }),
    at: 'key.pem',
    says: /the private key does not parse .+ copy the whole file again$/,
  },
  'has an encrypted key': {
    pair: () => {
      const { certificate, privateKey } = makeCertificate()
      const key = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hush' })
      return { certificate, key: key.toString() }
    },
    at: 'key.pem',
    says: /the key is encrypted; .+ openssl pkey -in/,
  },
}

for (const [what, { pair, at, says }] of Object.entries(unusable)) {
  test(`a certificate that ${what} is refused with its file and a hint`, async () => {
    const { result, source } = await read(pair())
    const error = await result.catch((thrown) => thrown)
    expect(error).toMatchObject({ name: 'GatehouseError', code: 'certificate-unusable' })
    expect(error.message).toMatch(says)
    expect(error.message.startsWith(at === 'key.pem' ? source.key : source.certificate)).toBe(true)
    expect(error.message).not.toContain('c2VjcmV0')
  })
}

test('files that are missing, or folders, are named', async () => {
  const folder = await temporaryFolder()
  const source = await writtenPair(folder, makeCertificate())
  const missing = { ...source, certificate: `${folder}/none.pem` }
  await expect(certificateFromFiles(missing, domains, recordedLog())).rejects.toThrow(
    `${folder}/none.pem: the certificate file does not exist; put it there or correct the path`,
  )
  await expect(certificateFromFiles({ ...source, key: folder }, domains, recordedLog())).rejects.toThrow(
    `${folder}: the key file cannot be read: EISDIR`,
  )
})

test('a key that we may not read is reported with our user', async () => {
  const folder = await temporaryFolder()
  const source = await writtenPair(folder, makeCertificate())
  await chmod(folder, 0o755)
  await chmod(source.key, 0)
  await unprivileged(async () => {
    await expect(certificateFromFiles(source, domains, recordedLog())).rejects.toThrow(
      `${source.key}: the key file may not be read by user ${process.geteuid?.()}; change its owner`,
    )
  })
})

test('an empty certificate file is refused', async () => {
  const source = await writtenPair(await temporaryFolder(), makeCertificate())
  await writeFile(source.certificate, '')
  await expect(certificateFromFiles(source, domains, recordedLog())).rejects.toThrow(/holds no PEM certificate/)
})
