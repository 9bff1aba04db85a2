import type { Server, TLSSocket } from 'node:tls'

/**
 * Closes connections that `admits` refuses after their handshake, before they reach h1 or h2.
 */
export function gateTls(server: Server, admits: (socket: TLSSocket) => boolean): void {
  // Before the listeners that serve it.
  const listeners = server.listeners('secureConnection') as ((socket: TLSSocket) => void)[]
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket: TLSSocket) => {
    // In TLS 1.2 the server ends the handshake, and its last bytes may not be sent yet.
    if (!admits(socket)) return socket.destroySoon()
    for (const listener of listeners) listener.call(server, socket)
  })
}
