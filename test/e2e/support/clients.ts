/** Clients as browsers and balancers are: h1 with and without TLS, h2, WebSocket. The chain is always verified. */
import { readFileSync } from 'node:fs'
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { type ClientHttp2Session, connect } from 'node:http2'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import WebSocket from 'ws'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Client {
  readonly protocol: string
  get(path: string): Promise<Answer>
  close(): void
}

/** The root certificate of the internal CA of a Gatehouse with this storage folder. */
export function rootCertificate(storage: string): string {
  return readFileSync(join(storage, 'internal/root.crt'), 'utf8')
}

/** Keeps connections alive, as many as there are requests at once. */
export function h1Client(base: string, ca?: string): Client {
  const secure = base.startsWith('https:')
  const agent = secure ? new HttpsAgent({ keepAlive: true, ca }) : new Agent({ keepAlive: true })
  return {
    protocol: secure ? 'TLS h1' : 'h1',
    get: (path) =>
      new Promise((resolve, reject) => {
        const send = secure ? httpsRequest : httpRequest
        const request = send(base + path, { agent }, (response) => {
          let body = ''
          response.setEncoding('utf8').on('data', (chunk: string) => {
            body += chunk
          })
          response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
          response.on('error', reject)
        })
        request.on('error', reject).end()
      }),
    close: () => agent.destroy(),
  }
}

/**
 * One session, opened again after a GOAWAY, as every h2 client does. `servername`: whom it asks for, if not
 * the host of `base`.
 */
export function h2Client(base: string, ca: string | readonly string[], servername?: string): Client {
  let session: ClientHttp2Session | undefined
  const open = () => {
    if (session && !session.closed && !session.destroyed) return session
    session = connect(base, { ca: [ca].flat(), ...(servername !== undefined && { servername }) })
    session.on('error', () => {}) // its requests report it
    return session
  }
  return {
    protocol: 'h2',
    get: (path) =>
      new Promise((resolve, reject) => {
        const stream = open().request({ ':path': path })
        let headers: IncomingHttpHeaders & { ':status'?: number } = {}
        let body = ''
        stream.on('response', (received) => {
          headers = received
        })
        stream.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk
        })
        stream.on('end', () => resolve({ status: headers[':status'] ?? 0, headers, body }))
        stream.on('error', reject)
      }),
    close: () => session?.close(),
  }
}

/** An open WebSocket; rejects if the upgrade is refused. */
export function openWebSocket(base: string, path: string, ca?: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(base.replace(/^http/, 'ws') + path, { ca })
    socket.once('open', () => resolve(socket))
    socket.once('error', reject)
  })
}

/** Sends a message and resolves with the next one that comes. */
export function exchangeMessage(socket: WebSocket, message: string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('message', (answer) => resolve(String(answer)))
    socket.once('close', () => reject(new Error('the WebSocket was closed')))
    socket.send(message)
  })
}
