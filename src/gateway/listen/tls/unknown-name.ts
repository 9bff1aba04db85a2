import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** A TLS record (RFC 8446 §5.1) with one alert: fatal, unrecognized_name (RFC 6066 §3). Nothing is encrypted at this point yet. */
const alert = Buffer.from([21, 3, 3, 0, 2, 2, 112])

/**
 * Tells a client in the midst of its handshake that there is no certificate for the name that it sent; `told` is called when
 * that is written. Node has no way to do so: it would end the connection without a word.
 */
export function refuseName(socket: TLSSocket, told: () => void): void {
  // Node's own place for the connection below TLS.
  const { _parent: below } = socket as { _parent?: Socket | null }
  if (below?.writable) below.write(alert, told)
  else told()
}
