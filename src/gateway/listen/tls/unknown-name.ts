import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/**
 * A TLS record (RFC 8446 §5.1) with one alert: fatal, unrecognized_name (RFC 6066 §3). Nothing is encrypted at this
 * point yet.
 */
const alert = Buffer.from([21, 3, 3, 0, 2, 2, 112])

/**
 * Sends the alert for a name without a certificate during the handshake, then calls `sent`. Node itself would close the
 * connection without an alert.
 */
export function refuseName(socket: TLSSocket, sent: () => void): void {
  // Where Node keeps the connection below TLS.
  const { _parent: below } = socket as { _parent?: Socket | null }
  if (below?.writable) below.write(alert, sent)
  else sent()
}
