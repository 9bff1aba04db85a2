import { generateKeyPair, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import type { pki } from 'node-forge'
import type { Milliseconds } from '../../shared/time/duration.ts'

/*
 * The internal CA's two certificates, made with node-forge; authority.ts decides when. RSA, because node-forge has no
 * elliptic curves. Keys come from node:crypto: its generation is native and does not block the event loop.
 */

/** PEM texts; the key is a secret (PKCS#8). */
export interface NewPair {
  readonly certificate: string
  readonly key: string
}

const day: Milliseconds = 86_400_000
const rootLife: Milliseconds = 3_650 * day
/** Short, because certificates of a private CA cannot be revoked. */
export const leafLife: Milliseconds = 7 * day
/** For clients whose clock is slow. */
const backdate: Milliseconds = 3_600_000

const makeKeyPair = promisify(generateKeyPair)

/** A self-signed CA that may sign leaves only. */
export async function makeRoot(): Promise<NewPair> {
  const forge = await loadForge()
  const { publicKey, privateKey } = await newKeys()
  const root = forge.pki.createCertificate()
  root.publicKey = forge.pki.publicKeyFromPem(publicKey)
  setFacts(root, rootLife)
  // Each root has a different name: clients cannot tell apart two of the same name (RFC 5280 §4.2.1.1).
  const name = [{ name: 'commonName', value: `Gatehouse internal CA ${randomBytes(4).toString('hex')}` }]
  root.setSubject(name)
  root.setIssuer(name)
  root.setExtensions([
    { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    { name: 'subjectKeyIdentifier' },
  ])
  root.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create())
  return { certificate: unixLines(forge.pki.certificateToPem(root)), key: privateKey }
}

/** A server certificate for these names and addresses, signed by the root. */
export async function makeLeaf(root: NewPair, domains: readonly string[]): Promise<NewPair> {
  const forge = await loadForge()
  const { publicKey, privateKey } = await newKeys()
  const issuer = forge.pki.certificateFromPem(root.certificate)
  const leaf = forge.pki.createCertificate()
  leaf.publicKey = forge.pki.publicKeyFromPem(publicKey)
  setFacts(leaf, leafLife)
  // No subject: clients check the alternative names alone, and a common name is limited to 64 characters.
  leaf.setSubject([])
  leaf.setIssuer(issuer.subject.attributes)
  leaf.setExtensions([
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes() },
    // Critical, because the subject is empty (RFC 5280 §4.2.1.6).
    { name: 'subjectAltName', altNames: domains.map(alternativeName), critical: true },
  ])
  leaf.sign(forge.pki.privateKeyFromPem(root.key), forge.md.sha256.create())
  return { certificate: unixLines(forge.pki.certificateToPem(leaf)), key: privateKey }
}

function setFacts(certificate: pki.Certificate, life: Milliseconds): void {
  const now = Date.now()
  certificate.validity.notBefore = new Date(now - backdate)
  certificate.validity.notAfter = new Date(now + life)
  certificate.serialNumber = newSerial()
}

/** 16 random bytes as hex. The top bits 01 make it a positive DER integer of exactly 16 bytes (RFC 5280 §4.1.2.2). */
function newSerial(): string {
  const bytes = randomBytes(16)
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0)
  return bytes.toString('hex')
}

/** GeneralName: 2 is dNSName, 7 is iPAddress (RFC 5280 §4.2.1.6). */
function alternativeName(domain: string): { type: 2; value: string } | { type: 7; ip: string } {
  return isIP(domain) === 0 ? { type: 2, value: domain } : { type: 7, ip: domain }
}

async function newKeys(): Promise<{ publicKey: string; privateKey: string }> {
  return makeKeyPair('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
}

/** node-forge ends lines with CRLF; the root is a file that people copy and compare. */
function unixLines(pem: string): string {
  return pem.replaceAll('\r\n', '\n')
}

/** Loaded on first use: most deployments never need it. */
async function loadForge(): Promise<typeof import('node-forge')> {
  return (await import('node-forge')).default
}
