/** Tiny real upstreams. Each is closed, with its connections, when the test is over. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net'
import { whenOver } from './support.ts'

export interface Upstream<S = Server> {
  readonly port: number
  readonly server: S
  /** Connections that are open on its side now. */
  connections(): Promise<number>
  /** Resolves as soon as it has no connection any more. */
  abandoned(): Promise<void>
}

export async function upstream(answer: RequestListener): Promise<Upstream> {
  return listening(createServer({ keepAliveTimeout: 60_000 }, answer))
}

/** Speaks TCP only, for upstreams that misbehave. */
export async function rawUpstream(connected: (socket: Socket) => void): Promise<Upstream<TcpServer>> {
  return listening(
    createTcpServer((socket) => {
      socket.on('error', () => {})
      connected(socket)
      socket.resume() // or it would never see its peer leave
    }),
  )
}

export async function listening<S extends TcpServer>(server: S): Promise<Upstream<S>> {
  const sockets = new Set<Socket>()
  let noneLeft = () => {}
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      if (sockets.size === 0) noneLeft()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  whenOver(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return {
    port: (server.address() as AddressInfo).port,
    server,
    connections: () =>
      new Promise((resolve, reject) => server.getConnections((error, n) => (error ? reject(error) : resolve(n)))),
    abandoned: () =>
      new Promise((resolve) => {
        noneLeft = resolve
        if (sockets.size === 0) resolve()
      }),
  }
}

/** Answers with the request as it arrived: method, url, raw headers, body. */
export function mirror(): Promise<Upstream> {
  return upstream(async (request, response) => {
    const seen: Seen = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: pairs(request.rawHeaders),
      body: await bodyOf(request),
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(seen), 'latin1')
  })
}

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

/** The values under a name, in any case, in their order. */
export function valuesOf({ headers }: Pick<Seen, 'headers'>, name: string): string[] {
  return headers.flatMap(([own, value]) => (own.toLowerCase() === name ? [value] : []))
}

export function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i] ?? '', raw[2 * i + 1] ?? ''])
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request.setEncoding('latin1')) body += chunk
  return body
}
