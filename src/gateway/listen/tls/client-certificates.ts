/** Client certificates (mTLS): which are accepted, and how upstreams learn of them. */
import { createHash, type X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Server, TLSSocket } from 'node:tls'
import type { ListenerPlan } from '../../../plan/model/plan.ts'
import { GatehouseError, messageOf } from '../../../shared/errors.ts'
import { gateTls } from './secure-gate.ts'

/** The authorities that a handshake verifies client certificates by. */
export interface ClientAuthorities {
  /** PEM. */
  readonly ca: string
  /**
   * A resumed session is not verified again. It belongs to this context only, so that it is not valid for other
   * authorities, nor where a certificate is required and the session began without.
   */
  readonly sessionIdContext: string
}

/** By the name of the listener. Rejects with `gateway-failed` if a file cannot be read or holds no certificate. */
export async function readClientAuthorities(
  listeners: readonly ListenerPlan[],
): Promise<ReadonlyMap<string, ClientAuthorities>> {
  const read = new Map<string, ClientAuthorities>()
  for (const { name, clientCertificates } of listeners) {
    if (!clientCertificates) continue
    const ca = await readFile(clientCertificates.ca, 'utf8').catch((error) => {
      throw unusable(name, `cannot be read: ${messageOf(error)}`, error)
    })
    // Node would silently take such a file for an empty list.
    if (!ca.includes('-----BEGIN CERTIFICATE-----')) throw unusable(name, 'holds no certificate in PEM')
    const digest = createHash('sha256').update(`${clientCertificates.required} ${ca}`).digest('hex')
    read.set(name, { ca, sessionIdContext: digest.slice(0, 32) })
  }
  return read
}

function unusable(listener: string, why: string, cause?: unknown): GatehouseError {
  return new GatehouseError('gateway-failed', `listener ${listener}: \`ca\` of its clientCertificates ${why}`, {
    cause,
  })
}

const certificateKey = Symbol('client certificate')

interface Verified {
  [certificateKey]?: CertificateFields
}

/** Values of the headers that describe a certificate to upstreams. */
interface CertificateFields {
  readonly subject: string
  readonly fingerprint: string
  readonly certificate: string
}

/**
 * Closes connections whose client is not admitted, before they reach h1 or h2. `rejectUnauthorized` alone is not
 * enough: it would accept an invalid certificate where none is required.
 */
export function admitClients(server: Server, required: boolean, refused: (cause: string) => void): void {
  gateTls(server, (socket) => {
    const certificate = socket.getPeerX509Certificate()
    if (certificate ? !socket.authorized : required) {
      refused(certificate ? `invalid client certificate (${socket.authorizationError})` : missing)
      return false
    }
    if (certificate) (socket as Verified)[certificateKey] = fieldsOf(certificate)
    return true
  })
  server.on('tlsClientError', (error: Error & { code?: string }, socket: TLSSocket) => {
    if (error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') refused(missing)
    else if (socket.authorizationError) refused(`invalid client certificate (${socket.authorizationError})`)
  })
}

const missing = 'the client sent no certificate'

/** Also takes the socket proxy that h2 exposes. */
export function certificateOf(socket: object): CertificateFields | undefined {
  return (socket as Verified)[certificateKey]
}

function fieldsOf(certificate: X509Certificate): CertificateFields {
  return {
    subject: oneLine(certificate.subject),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    certificate: `:${certificate.raw.toString('base64')}:`,
  }
}

/** RFC 4514: the last name first, and non-printable or non-ASCII bytes as `\XX`. Node writes one name per line. */
function oneLine(subject: string | undefined): string {
  const names = (subject ?? '').split('\n').reverse().join(',')
  return [...Buffer.from(names)]
    .map((byte) => (byte < 0x20 || byte > 0x7e ? `\\${byte.toString(16).padStart(2, '0')}` : String.fromCharCode(byte)))
    .join('')
}

/** The headers for client certificates, compiled once per generation. */
export interface ClientCertificateHeaders {
  /** Of all listeners, in lower case: no client may send them. */
  readonly reserved: ReadonlySet<string>
  /** Appends the headers for the certificate of a connection on this listener, if it has one. */
  push(headers: string[], listener: string, socket: object): void
}

export function clientCertificateHeaders(listeners: readonly ListenerPlan[]): ClientCertificateHeaders {
  const names = new Map(
    listeners.flatMap(({ name, clientCertificates }) =>
      clientCertificates ? [[name, clientCertificates.headers] as const] : [],
    ),
  )
  return {
    reserved: new Set([...names.values()].flatMap((headers) => Object.values(headers))),
    push(headers, listener, socket) {
      const forwarded = names.get(listener)
      const fields = forwarded && certificateOf(socket)
      if (!forwarded || !fields) return
      headers.push(forwarded.subject, fields.subject, forwarded.fingerprint, fields.fingerprint)
      if (forwarded.certificate !== undefined) headers.push(forwarded.certificate, fields.certificate)
    },
  }
}
