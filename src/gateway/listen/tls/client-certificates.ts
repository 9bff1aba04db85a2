/** Clients that show who they are by a certificate (mTLS): whose are accepted, who is refused, what upstreams are told. */
import { createHash, type X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Http2SecureServer } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { ListenerPlan } from '../../../plan/model/plan.ts'
import { GatehouseError, messageOf } from '../../../shared/errors.ts'
import { gate } from './secure-gate.ts'

/** What a handshake needs to know to judge a client's certificate. */
export interface ClientAuthorities {
  /** PEM. */
  readonly ca: string
  /**
   * A resumed session is not judged again: it is one of this context only, so that it counts neither where another authority is
   * asked for, nor where a certificate is required and it was begun without.
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
    // Node takes such a file for an empty list, and then trusts nobody without a word.
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

const shownKey = Symbol('client certificate')

interface Shown {
  [shownKey]?: Told
}

/** What upstreams may be told of a certificate, as they read it. */
interface Told {
  readonly subject: string
  readonly fingerprint: string
  readonly certificate: string
}

/**
 * Lets a connection go on to the protocols only when its client may come in. Not left to `rejectUnauthorized` alone: with it a
 * certificate that is not valid would do wherever none is required.
 */
export function admitClients(server: Http2SecureServer, required: boolean, refused: (cause: string) => void): void {
  gate(server, (socket) => {
    const certificate = socket.getPeerX509Certificate()
    if (certificate ? !socket.authorized : required) {
      refused(certificate ? `a client certificate that is not valid (${socket.authorizationError})` : lacking)
      return false
    }
    if (certificate) (socket as Shown)[shownKey] = told(certificate)
    return true
  })
  server.on('tlsClientError', (error: Error & { code?: string }, socket: TLSSocket) => {
    if (error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') refused(lacking)
    else if (socket.authorizationError) refused(`a client certificate that is not valid (${socket.authorizationError})`)
  })
}

const lacking = 'a client without a certificate'

/** Also of the stand-in that h2 gives for its socket. */
export function shownBy(socket: object): Told | undefined {
  return (socket as Shown)[shownKey]
}

function told(certificate: X509Certificate): Told {
  return {
    subject: oneLine(certificate.subject),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    certificate: `:${certificate.raw.toString('base64')}:`,
  }
}

/** RFC 4514: the last name first, and what is no printable ASCII as `\XX`. Node writes one name on each line. */
function oneLine(subject: string | undefined): string {
  const names = (subject ?? '').split('\n').reverse().join(',')
  return [...Buffer.from(names)]
    .map((byte) => (byte < 0x20 || byte > 0x7e ? `\\${byte.toString(16).padStart(2, '0')}` : String.fromCharCode(byte)))
    .join('')
}

/** The headers of these for one generation. */
export interface ClientCertificateHeaders {
  /** In lower case: those of any listener, which no client may send. */
  readonly reserved: ReadonlySet<string>
  /** Adds what is known of the client of a connection on this listener. */
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
      const wanted = names.get(listener)
      const shown = wanted && shownBy(socket)
      if (!wanted || !shown) return
      headers.push(wanted.subject, shown.subject, wanted.fingerprint, shown.fingerprint)
      if (wanted.certificate !== undefined) headers.push(wanted.certificate, shown.certificate)
    },
  }
}
