import type { Http2SecureServer } from 'node:http2'
import type { TLSSocket } from 'node:tls'

/** Closes connections that `admits` refuses after their handshake, before they reach h1 or h2. */
export function gateTls(server: Http2SecureServer, admits: (socket: TLSSocket) => boolean): void {
  // Replaces the server's own listeners, which take a connection for h2 unless it chose http/1.1.
  const listeners = server.listeners('secureConnection') as ((socket: TLSSocket) => void)[]
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket: TLSSocket) => {
    // In TLS 1.2 the server ends the handshake, and its last bytes may not be sent yet.
    if (!admits(socket)) return socket.destroySoon()
    for (const listener of listeners) listener.call(server, socket)
  })
}
