/** The clients of the tests: every protocol the gateway speaks, chains verified, and raw bytes. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { type ClientHttp2Session, connect as connectH2, type IncomingHttpHeaders } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { ca, host, type RunningGateway, whenOver } from './support.ts'
import { pairs } from './upstreams.ts'

export type Protocol = 'h1' | 'h1s' | 'h2'
export const protocols: readonly Protocol[] = ['h1', 'h1s', 'h2']

/** What the access log says of a request over this protocol. */
export const logged = {
  h1: { protocol: 'h1', tls: false, listener: 'http' },
  h1s: { protocol: 'h1', tls: true, listener: 'https' },
  h2: { protocol: 'h2', tls: true, listener: 'https' },
} as const

export interface Asking {
  readonly method?: string
  readonly path?: string
  /** Repeated ones as an array. */
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string | Buffer
  /** Called when the head of the answer is here. */
  readonly onHead?: () => void
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly raw: readonly (readonly [string, string])[]
  readonly body: string
}

/** One request on a connection of its own; rejects if the answer is cut. */
export function ask(gateway: RunningGateway, protocol: Protocol, asking: Asking = {}): Promise<Answer> {
  return protocol === 'h2' ? askH2(gateway, asking) : askH1(gateway, protocol, asking)
}

async function askH1(gateway: RunningGateway, protocol: 'h1' | 'h1s', asking: Asking): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const send = protocol === 'h1s' ? httpsRequest : httpRequest
  const request = send(
    {
      host: '127.0.0.1',
      port: protocol === 'h1s' ? gateway.https : gateway.http,
      method: asking.method ?? 'GET',
      path: asking.path ?? '/',
      headers: { host, ...asking.headers },
      agent: false,
      maxHeaderSize: 200_000,
      ...(protocol === 'h1s' && { ca, servername: host }),
    },
    resolve,
  )
  request.on('error', reject)
  request.end(asking.body)
  const answer = await promise
  asking.onHead?.()
  const body = await text(answer)
  return { status: answer.statusCode ?? 0, headers: answer.headers, raw: pairs(answer.rawHeaders), body }
}

export async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

/** An h2 connection, closed when the test is over. */
export function h2Session(gateway: RunningGateway): ClientHttp2Session {
  const session = connectH2(`https://${host}`, {
    createConnection: () => tlsSocket(gateway.https, 'h2'),
  })
  session.on('error', () => {})
  session.setMaxListeners(0)
  whenOver(() => session.destroy())
  return session
}

async function askH2(gateway: RunningGateway, asking: Asking): Promise<Answer> {
  const session = h2Session(gateway)
  try {
    return await askOn(session, asking)
  } finally {
    session.destroy()
  }
}

/** One request on a given h2 connection; rejects if its stream is reset. */
export async function askOn(session: ClientHttp2Session, asking: Asking = {}): Promise<Answer> {
  const { body, method = 'GET', path = '/', headers = {} } = asking
  const { host: authority = host, ...others } = headers
  const head = { ':method': method, ':path': path, ':authority': String(authority), ...others }
  const stream = session.request(head, { endStream: body === undefined })
  const { promise, resolve, reject } = Promise.withResolvers<[IncomingHttpHeaders, string[]]>()
  stream.on('response', (fields, _flags, raw) => resolve([fields, raw as unknown as string[]]))
  stream.on('error', reject)
  stream.on('close', () => reject(new Error(`stream closed with ${stream.rstCode} before an answer`)))
  session.once('close', () => reject(new Error('the connection was closed')))
  if (body !== undefined) stream.end(body)
  // From the beginning: over a stream that is no socket, Node may close this one before its body is read.
  const reading = asking.onHead ? undefined : text(stream)
  reading?.catch(() => {})
  const [fields, raw] = await promise
  asking.onHead?.()
  const received = await (reading ?? text(stream))
  if (stream.rstCode !== 0) throw new Error(`stream reset with ${stream.rstCode}`)
  return { status: Number(fields[':status']), headers: fields, raw: pairs(raw ?? []), body: received }
}

/** Writes bytes as they are and resolves with everything that came back until the other side closed. */
export async function exchangeRaw(port: number, bytes: string): Promise<string> {
  const socket = rawSocket(port)
  socket.write(bytes, 'latin1')
  return text(socket)
}

export function rawSocket(port: number): Socket {
  const socket = connectTcp({ host: '127.0.0.1', port })
  socket.on('error', () => {})
  whenOver(() => socket.destroy())
  return socket
}

export function tlsSocket(port: number, protocol: 'http/1.1' | 'h2' = 'http/1.1'): Socket {
  const socket = connectTls({ host: '127.0.0.1', port, servername: host, ca, ALPNProtocols: [protocol] })
  socket.on('error', () => {})
  whenOver(() => socket.destroy())
  return socket
}

export interface Http1Client {
  readonly socket: Socket
  /** The connection below TLS, or the same socket. */
  readonly wire: Socket
}

/** A client over h1 that can end its side, and reset its connection, below TLS too. */
export function openHttp1(gateway: RunningGateway, protocol: 'h1' | 'h1s'): Http1Client {
  const port = protocol === 'h1' ? gateway.http : gateway.https
  const wire = connectTcp({ host: '127.0.0.1', port, allowHalfOpen: true })
  wire.on('error', () => {})
  whenOver(() => wire.destroy())
  if (protocol === 'h1') return { socket: wire, wire }
  const socket = connectTls({ socket: wire, servername: host, ca, ALPNProtocols: ['http/1.1'] })
  socket.on('error', () => {})
  return { socket, wire }
}

/** Reads until the text is there; rejects if the socket ends before. */
export function readUntil(socket: Socket, wanted: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = ''
    const look = (chunk: Buffer) => {
      seen += chunk.toString('latin1')
      if (!seen.includes(wanted)) return
      socket.off('data', look)
      socket.off('close', gone)
      socket.pause()
      resolve(seen)
    }
    const gone = () => reject(new Error(`closed after ${JSON.stringify(seen.slice(0, 500))}`))
    socket.on('data', look)
    socket.once('close', gone)
    socket.resume()
  })
}
