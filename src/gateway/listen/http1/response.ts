import { EventEmitter } from 'node:events'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Bytes } from '../../../shared/bytes.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { byName } from '../../http1/by-name.ts'
import { token, unsendableValue } from '../../http1/fields.ts'
import { writeAtTurnEnd } from '../../http1/turn-end.ts'
import type { Http1Request } from './request.ts'

/** Bodies up to this length are written as one text with what precedes them: Node only joins texts. */
const oneWrite: Bytes = 8_192

/** What a response needs of the connection that carries it. */
export interface ResponseChannel {
  readonly socket: Socket
  /** How long the connection may be idle afterwards. */
  readonly idleTimeout: Milliseconds
  /** All of the response is handed to the kernel. */
  answered(): void
}

/**
 * The response to a request over HTTP/1, with the members of Node's own that the gateway uses: the same as those of
 * responses over h2. `finish` is emitted when all of it is handed to the kernel; `close` after that, or when the
 * connection is closed; `drain` when there is room again.
 */
export class Http1Response extends EventEmitter {
  readonly req: Http1Request
  headersSent = false
  writableEnded = false
  writableFinished = false
  /** Whether the connection may carry another request; to be decided before the head is written. */
  shouldKeepAlive: boolean
  readonly #channel: ResponseChannel
  /** A head that has not been written to the socket yet. */
  #head = ''
  #chunked = false
  /** Neither HEAD nor 204 and 304 have a body, whatever is written. */
  #bodiless = false
  #trailers = ''
  #awaitsContinue: boolean
  #closed = false
  /** The rest of the body, after `end`. */
  #last: Buffer | undefined

  constructor(req: Http1Request, channel: ResponseChannel, keepAlive: boolean) {
    super()
    this.req = req
    this.#channel = channel
    this.shouldKeepAlive = keepAlive
    this.#awaitsContinue = req.headers.expect !== undefined && req.httpVersion === '1.1'
  }

  /** Undefined when the response is over: the connection may carry another one. */
  get socket(): Socket | undefined {
    return this.#closed ? undefined : this.#channel.socket
  }

  /** Bytes that the kernel has yet to take. */
  get writableLength(): Bytes {
    return this.#closed ? 0 : this.#channel.socket.writableLength
  }

  /**
   * The head; fields as name and value in turn. Framing is decided here: by Content-Length, else in chunks, else by the
   * end of the connection. It leaves with the first bytes of the body, or by `flushHeaders`. Throws, with nothing
   * written, if a field cannot be sent.
   */
  writeHead(status: number, fields: readonly string[]): void {
    if (this.headersSent) throw new Error('the head was already sent')
    let head = statusLineOf(status)
    let sized = false
    let dated = false
    // A client that got no 100 may send the body or the next request: what follows could be either.
    let last = !this.shouldKeepAlive || this.#awaitsContinue
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i] as string
      const value = fields[i + 1] as string
      if (unsendableValue.test(value)) throw new Error(`invalid value of the header ${name}`)
      switch (kindOf(name)) {
        case 'connection':
          if (/(?:^|[\s,])close(?:$|[\s,])/i.test(value)) last = true
          continue
        case 'framing':
          continue
        case 'length':
          sized = true
          break
        case 'date':
          dated = true
      }
      head += `${name}: ${value}\r\n`
    }
    const { method, httpVersion } = this.req
    this.#bodiless = method === 'HEAD' || status === 204 || status === 304
    if (!sized && !this.#bodiless) {
      if (httpVersion === '1.0') last = true
      else this.#chunked = true
    } else if (!sized && httpVersion === '1.0') last = true
    if (!dated) head += dateLine()
    head += last ? 'Connection: close\r\n' : keepAliveLines(this.#channel.idleTimeout)
    this.#head = this.#chunked ? `${head}Transfer-Encoding: chunked\r\n\r\n` : `${head}\r\n`
    this.shouldKeepAlive = !last
    this.headersSent = true
  }

  writeContinue(): void {
    if (this.#closed || this.headersSent) return
    this.#awaitsContinue = false
    this.#channel.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1')
  }

  /** An interim response. Throws, with nothing written, if a field cannot be sent. */
  writeInformation(status: number, fields: Readonly<Record<string, string>>): void {
    if (this.#closed || this.headersSent) return
    this.#channel.socket.write(`${statusLineOf(status)}${linesOf(fields)}\r\n`, 'latin1')
  }

  flushHeaders(): void {
    if (this.#closed || this.writableEnded || this.#head === '') return
    const head = this.#head
    this.#head = ''
    this.#channel.socket.write(head, 'latin1')
  }

  /** Part of the body. False: no more until `drain`. `sent` is called when the kernel has taken it, or never will. */
  write(chunk: Buffer, sent?: () => void): boolean {
    if (this.#closed || this.writableEnded || this.#bodiless || chunk.length === 0) {
      if (sent) process.nextTick(sent)
      return true
    }
    return this.#write(chunk, '', sent)
  }

  /** `done` is called when the response is over, and all of it is handed to the kernel. */
  end(chunk?: Buffer, done?: () => void): void {
    if (this.writableEnded) return
    this.writableEnded = true
    if (this.#closed) return
    if (done) this.once('finish', done)
    this.#last = chunk
    writeAtTurnEnd(this)
  }

  /** Writes what `end` was called with. */
  writeNow(): void {
    const chunk = this.#last
    this.#last = undefined
    const { socket } = this.#channel
    if (this.#closed || socket.destroyed) return
    // The kernel has nearly always taken all of it when `write` returns; of TLS only the callback tells.
    const sent = 'encrypted' in socket ? this.#finish : undefined
    const last = this.#chunked ? `0\r\n${this.#trailers}\r\n` : ''
    if (chunk && chunk.length > 0 && !this.#bodiless) this.#write(chunk, last, sent)
    else if (this.#head !== '' || last !== '') {
      socket.write(this.#head + last, 'latin1', sent)
      this.#head = ''
    } else if (sent) socket.write('', 'latin1', sent)
    if (sent) return
    if (socket.writableLength === 0) process.nextTick(this.#finish)
    else socket.write('', 'latin1', this.#finish)
  }

  /** For a chunked response; others have none. Throws if one cannot be sent. */
  addTrailers(fields: Readonly<Record<string, string>>): void {
    this.#trailers += linesOf(fields)
  }

  /**
   * Sends bytes that a reading client ignores, and to which a client that is gone answers with a reset: before the head,
   * an interim answer (RFC 9110 §15.2); between two chunks, a zero in front of the next chunk's size (RFC 9112 §7.1).
   * HTTP/1.0 has neither, and a body of known length has no room: there the next bytes of the upstream are the probe.
   */
  probe(): void {
    if (this.req.httpVersion !== '1.1' || this.writableEnded) return
    if (!this.headersSent) this.writeContinue()
    else if (this.#chunked && this.#head === '') this.#channel.socket.write('0')
  }

  /** Cuts the response with its connection. */
  destroy(): void {
    this.#channel.socket.destroy()
  }

  /** The connection is closed. */
  cut(): void {
    if (this.#closed) return
    this.#closed = true
    this.emit('close')
  }

  /** Writes what precedes the chunk, the chunk, and what follows it, in as few writes as possible. */
  #write(chunk: Buffer, after: string, sent?: () => void): boolean {
    const { socket } = this.#channel
    const before = this.#chunked ? `${this.#head}${chunk.length.toString(16)}\r\n` : this.#head
    const behind = this.#chunked ? `\r\n${after}` : ''
    this.#head = ''
    if (chunk.length <= oneWrite && before.length <= oneWrite)
      return socket.write(before + chunk.toString('latin1') + behind, 'latin1', sent)
    if (before === '' && behind === '') return socket.write(chunk, sent)
    socket.cork()
    if (before !== '') socket.write(before, 'latin1')
    let room = socket.write(chunk, behind === '' ? sent : undefined)
    if (behind !== '') room = socket.write(behind, 'latin1', sent)
    socket.uncork()
    return room
  }

  readonly #finish = (error?: Error | null): void => {
    // A write that fails because the socket is destroyed already leaves nothing unwritten.
    if (this.#closed || error || this.#channel.socket.destroyed) return
    this.#closed = true
    this.writableFinished = true
    this.emit('finish')
    this.#channel.answered()
    this.emit('close')
  }
}

const statusLines = new Map<number, string>()

function statusLineOf(status: number): string {
  const known = statusLines.get(status)
  if (known !== undefined) return known
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`
  statusLines.set(status, line)
  return line
}

function linesOf(fields: Readonly<Record<string, string>>): string {
  let lines = ''
  for (const [name, value] of Object.entries(fields)) {
    kindOf(name)
    if (unsendableValue.test(value)) throw new Error(`invalid value of the header ${name}`)
    lines += `${name}: ${value}\r\n`
  }
  return lines
}

type FieldKind = 'plain' | 'connection' | 'framing' | 'length' | 'date'

const kinds: ReadonlyMap<string, FieldKind> = new Map([
  ['connection', 'connection'],
  ['keep-alive', 'framing'],
  ['transfer-encoding', 'framing'],
  ['content-length', 'length'],
  ['date', 'date'],
])

/** Throws if it is no name. */
const kindOf = byName((name): FieldKind => {
  if (!token.test(name)) throw new Error(`invalid header name ${JSON.stringify(name)}`)
  return kinds.get(name.toLowerCase()) ?? 'plain'
})

let date = ''
let dateOf = 0

/** RFC 9110 §6.6.1; the same text for a second. */
function dateLine(): string {
  const now = Date.now()
  if (now - dateOf < 1_000 && now >= dateOf) return date
  dateOf = now - (now % 1_000)
  date = `Date: ${new Date(now).toUTCString()}\r\n`
  return date
}

let lines = ''
let linesFor: Milliseconds = -1

function keepAliveLines(idleTimeout: Milliseconds): string {
  if (linesFor === idleTimeout) return lines
  linesFor = idleTimeout
  const seconds = Math.floor(idleTimeout / 1_000)
  lines = seconds > 0 ? `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n` : 'Connection: keep-alive\r\n'
  return lines
}
