import type { Http2SecureServer } from 'node:http2'
import type { TLSSocket } from 'node:tls'

/** Lets a connection go on to h1 and h2 only if it may; asked when its handshake is done. One that may not is closed. */
export function gate(server: Http2SecureServer, mayGoOn: (socket: TLSSocket) => boolean): void {
  // In the place of the server's own listeners: to those behind it, a connection is h2 unless it chose http/1.1.
  const goOn = server.listeners('secureConnection') as ((socket: TLSSocket) => void)[]
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket: TLSSocket) => {
    // In TLS 1.2 the end of the handshake is ours, and may not be sent yet.
    if (!mayGoOn(socket)) return socket.destroySoon()
    for (const listener of goOn) listener.call(server, socket)
  })
}
