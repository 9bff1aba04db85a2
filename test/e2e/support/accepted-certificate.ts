import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { checkServerIdentity, connect } from 'node:tls'

/**
 * What a new client accepts that asks for this host, a name or an address, and trusts these roots alone. Rejects if the handshake
 * fails: the chain, the key and the name are verified.
 */
export function acceptedCertificate(
  port: number,
  ca: string | readonly string[],
  host = 'app.example.test',
): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      ca: [ca].flat(),
      checkServerIdentity: (_: string, peer: Parameters<typeof checkServerIdentity>[1]) =>
        checkServerIdentity(host, peer),
      // RFC 6066 §3 allows no address there.
      ...(isIP(host) === 0 && { servername: host }),
    }
    const socket = connect(options, () => {
      const certificate = socket.getPeerX509Certificate()
      socket.destroy()
      if (certificate) resolve(certificate)
      else reject(new Error('no certificate was shown'))
    })
    socket.once('error', reject)
  })
}
