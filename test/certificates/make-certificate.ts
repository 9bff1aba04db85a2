/**
 * Makes certificates of any kind for the tests, broken ones too. Our own DER, because node:crypto signs but makes no
 * certificates, node-forge knows no EC keys, and what is tested here must not test itself.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export interface CertificateOptions {
  readonly names?: readonly string[]
  readonly commonName?: string
  readonly notBefore?: Date
  readonly notAfter?: Date
  readonly keyType?: 'rsa' | 'ec'
  /** May sign others. */
  readonly authority?: boolean
  /** Absent: self-signed. */
  readonly issuer?: MadeCertificate
}

export interface MadeCertificate {
  readonly certificate: string
  readonly key: string
  readonly privateKey: KeyObject
  readonly commonName: string
}

const day = 86_400_000

export function makeCertificate(options: CertificateOptions = {}): MadeCertificate {
  const { names = ['app.example'], commonName = 'Made for a test', keyType = 'ec' } = options
  const { publicKey, privateKey } =
    keyType === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const signer = options.issuer?.privateKey ?? privateKey
  const algorithm = sequence(signer.asymmetricKeyType === 'ec' ? ecdsaWithSha256 : rsaWithSha256)
  const tbs = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([0x42]), randomBytes(8)])),
    algorithm,
    distinguishedName(options.issuer?.commonName ?? commonName),
    sequence(
      time(options.notBefore ?? new Date(Date.now() - day)),
      time(options.notAfter ?? new Date(Date.now() + 30 * day)),
    ),
    distinguishedName(commonName),
    createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })).export({ type: 'spki', format: 'der' }),
    tagged(
      0xa3,
      sequence(
        sequence(subjectAltNameId, tagged(0x04, sequence(...names.map(dnsName)))),
        ...(options.authority ? [sequence(basicConstraintsId, tagged(0x04, sequence(yes)))] : []),
      ),
    ),
  )
  const der = sequence(tbs, algorithm, tagged(0x03, Buffer.from([0]), sign('sha256', tbs, signer)))
  const body = der.toString('base64').match(/.{1,64}/g) ?? []
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${body.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateKey,
    commonName,
  }
}

const ecdsaWithSha256 = Buffer.from('06082a8648ce3d040302', 'hex')
const rsaWithSha256 = Buffer.from('06092a864886f70d01010b0500', 'hex')
const commonNameId = Buffer.from('0603550403', 'hex')
const subjectAltNameId = Buffer.from('0603551d11', 'hex')
const basicConstraintsId = Buffer.from('0603551d13', 'hex')
const yes = Buffer.from('0101ff', 'hex')

function tagged(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag]), derLength(content.length), content])
}

function derLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff]
  return Buffer.from([0x80 | bytes.length, ...bytes])
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, ...parts)
}

function integer(value: Buffer): Buffer {
  return tagged(0x02, value)
}

/** GeneralizedTime: four digits of the year, no fractions. */
function time(date: Date): Buffer {
  return tagged(0x18, Buffer.from(`${date.toISOString().replaceAll(/[-:T]|\..+/g, '')}Z`))
}

function distinguishedName(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(commonNameId, tagged(0x0c, Buffer.from(commonName)))))
}

function dnsName(name: string): Buffer {
  return tagged(0x82, Buffer.from(name))
}
