/** Clients that keep their connections and tell an answer that is whole from one that was cut. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { type ClientHttp2Session, connect } from 'node:http2'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { host, type Site } from './site.ts'

export type Protocol = 'h1' | 'TLS h1' | 'h2'

export interface PlanContext {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** Milliseconds to rest between one piece of the answer and the next. */
  readonly pace?: number
  readonly signal: AbortSignal
}

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export interface Client {
  readonly protocol: Protocol
  /** Rejects if the answer, or the connection before it, is cut. */
  ask(asked: PlanContext): Promise<Answered>
  /** The next request is made on a new connection. */
  renew(): void
}

export function createClient(site: Site, protocol: Protocol): Client {
  return protocol === 'h2' ? h2Client(site) : h1Client(site, protocol)
}

function h1Client({ http, https, ca }: Site, protocol: 'h1' | 'TLS h1'): Client {
  const plain = protocol === 'h1'
  const newAgent = () => (plain ? new Agent({ keepAlive: true }) : new HttpsAgent({ keepAlive: true, ca }))
  let agent = newAgent()
  return {
    protocol,
    async ask({ method, path, headers, body, pace, signal }) {
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
      const options = {
        host: '127.0.0.1',
        port: plain ? http : https,
        method,
        path,
        agent,
        signal,
        headers: { host, ...headers, ...(body && { 'content-length': body.length }) },
        ...(!plain && { servername: host }),
      }
      const request = (plain ? httpRequest : httpsRequest)(options, resolve)
      request.on('error', reject)
      request.end(body)
      const answer = await promise
      answer.on('error', () => {}) // also while nothing reads; reported by the reading
      return { status: answer.statusCode ?? 0, headers: answer.headers, body: await read(answer, pace) }
    },
    renew() {
      agent.destroy()
      agent = newAgent()
    },
  }
}

/** A session is closed when its last stream is: what GOAWAY does to streams that begin at that moment is the client's own affair. */
interface Session {
  readonly h2: ClientHttp2Session
  streams: number
  left: boolean
}

function h2Client({ https, ca }: Site): Client {
  let session: Session | undefined
  function open(): Session {
    if (session && !session.h2.closed && !session.h2.destroyed) return session
    const h2 = connect(`https://127.0.0.1:${https}`, { ca, servername: host })
    const opened = { h2, streams: 0, left: false }
    h2.on('error', () => {}) // its streams tell of it
    h2.on('goaway', () => {
      if (session === opened) session = undefined
    })
    session = opened
    return opened
  }
  function done(on: Session): void {
    if (on.left && on.streams === 0) on.h2.close()
  }
  return {
    protocol: 'h2',
    async ask({ method, path, headers, body, pace, signal }) {
      const on = open()
      on.streams += 1
      try {
        const head = { ':method': method, ':path': path, ':authority': host, ...headers }
        const stream = on.h2.request(head, { endStream: body === undefined, signal })
        const { promise, resolve, reject } = Promise.withResolvers<Record<string, string>>()
        stream.on('error', reject)
        stream.on('response', (fields) => resolve(fields as unknown as Record<string, string>))
        stream.on('close', () => reject(new Error(`closed with ${stream.rstCode} before an answer`)))
        if (body) stream.end(body)
        const fields = await promise
        const received = await read(stream, pace)
        if (stream.rstCode !== 0) throw new Error(`reset with ${stream.rstCode}`)
        return { status: Number(fields[':status']), headers: fields, body: received }
      } finally {
        on.streams -= 1
        done(on)
      }
    },
    renew() {
      const left = session
      session = undefined
      if (!left) return
      left.left = true
      done(left)
    },
  }
}

async function read(stream: Readable, pace = 0): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) {
    chunks.push(chunk)
    if (pace > 0) await new Promise((resolve) => setTimeout(resolve, pace))
  }
  return Buffer.concat(chunks)
}
