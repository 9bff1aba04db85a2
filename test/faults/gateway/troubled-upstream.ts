/** An upstream that misbehaves as its path says, byte by byte; and what it saw. */

import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'

export interface TroubledUpstream {
  readonly port: number
  /** Heads of the requests that arrived whole, oldest first. */
  readonly heads: readonly string[]
  /** Resolves when the connection that carries a request with this in its head has closed; true if it had arrived. */
  closed(part: string): Promise<void>
  stop(): Promise<void>
}

const ok = (body: string, more = '') => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`

/** Path → what is done with the connection; `count` tells the how manieth request of the connection it is. */
const manners: Readonly<Record<string, (socket: Socket, head: string, count: number) => void>> = {
  '/seen': (socket, head) => socket.write(ok(head)),
  '/reset-body': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of it', () =>
      setTimeout(() => socket.resetAndDestroy(), 50),
    )
  },
  '/slow-head': () => {},
  '/stall': (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of it'),
  '/bad-value': (socket) => socket.write('HTTP/1.1 200 OK\r\nX-Bad: a\0b\r\nContent-Length: 0\r\n\r\n'),
  // Serves one request a connection and drops the connection at the next, as a server whose keep-alive ran out.
  '/once': (socket, _head, count) => (count === 1 ? socket.write(ok('once')) : socket.resetAndDestroy()),
  // Closes what has been idle for a moment, as every server does sooner or later.
  '/short-idle': (socket) => {
    socket.write(ok('short'))
    socket.setTimeout(200, () => socket.end())
  },
  // Silent for twice the stall time-out between its events.
  '/events': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n')
    setTimeout(() => socket.end('data: 2\n\n'), 1_200)
  },
  '/early': (socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno'),
}

export async function troubledUpstream(): Promise<TroubledUpstream> {
  const sockets = new Set<Socket>()
  const heads: string[] = []
  const watchers: { part: string; resolve(): void }[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    let pending = ''
    let count = 0
    const own: string[] = []
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1')
      for (let end = pending.indexOf('\r\n\r\n'); end !== -1; end = pending.indexOf('\r\n\r\n')) {
        const head = pending.slice(0, end)
        pending = pending.slice(end + 4)
        // What stands before the method is the body of the request before.
        const path = /(?:GET|POST) (\/[^ ?]*)\S* HTTP\/1\.1\r\n/.exec(head)?.[1]
        if (path === undefined) continue
        count += 1
        heads.push(head)
        own.push(head)
        manners[path]?.(socket, head, count)
      }
    })
    socket.on('close', () => {
      sockets.delete(socket)
      for (const { part, resolve } of watchers) if (own.some((head) => head.includes(part))) resolve()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    heads,
    closed: (part) => new Promise((resolve) => watchers.push({ part, resolve })),
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
