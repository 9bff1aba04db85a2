/** What the gateway stands in front of, as far as a route can tell: it answers with what it was asked, and says who it is. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { WebSocketServer } from 'ws'

/** What an upstream saw, and which one it was. */
export interface Seen {
  readonly upstream: string
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/**
 * A server that does not listen yet. Each request is answered with `Seen` as JSON, each message of a WebSocket with the
 * upstream's name before it; `…/never` gets no answer.
 */
export function makeUpstream(name: string): Server {
  const server = createServer((asked, response) => {
    const { method = '', url = '', headers } = asked
    asked.resume().once('end', () => {
      if (url.endsWith('/never')) return
      const seen: Seen = { upstream: name, method, url, headers }
      response.setHeader('Server', 'upstream/1.0').setHeader('X-Powered-By', name)
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(seen))
    })
  })
  new WebSocketServer({ server }).on('connection', (socket, asked) => {
    socket.on('message', (message) => socket.send(`${name} ${asked.url} ${message}`))
  })
  return server
}
