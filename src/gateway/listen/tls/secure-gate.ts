import type { Http2SecureServer } from 'node:http2'
import type { TLSSocket } from 'node:tls'

/**
 * Closes connections that `admits` refuses after their handshake, before they reach h1 or h2; of those that it has taken
 * nothing else hears.
 */
export function gateTls(server: Http2SecureServer, admits: (socket: TLSSocket) => boolean | 'taken'): void {
  // Replaces the server's own listeners, which take a connection for h2 unless it chose http/1.1.
  const listeners = server.listeners('secureConnection') as ((socket: TLSSocket) => void)[]
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket: TLSSocket) => {
    const admitted = admits(socket)
    if (admitted === 'taken') return
    // In TLS 1.2 the server ends the handshake, and its last bytes may not be sent yet.
    if (!admitted) return socket.destroySoon()
    for (const listener of listeners) listener.call(server, socket)
  })
}

/** Hands connections to `accept` whose client has not chosen h2, before Node would serve them with its own HTTP/1. */
export function takeHttp1(server: Http2SecureServer, accept: (socket: TLSSocket) => void): void {
  gateTls(server, (socket) => {
    if (socket.alpnProtocol === 'h2') return true
    socket.allowHalfOpen = true
    accept(socket)
    return 'taken'
  })
}
