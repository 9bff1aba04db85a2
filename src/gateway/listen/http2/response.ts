import { EventEmitter } from 'node:events'
import type { Bytes } from '../../../shared/bytes.ts'
import { errorCodes } from '../../http2/error-codes.ts'
import { encodeField, encodePseudo } from '../../http2/hpack/encode.ts'
import type { Http2Stream } from './stream.ts'

const validName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
/** Not allowed in values: control characters, and those above one byte, which latin1 would truncate. */
const unsendableValue = /[^\t\x20-\x7e\x80-\xff]/
/** RFC 9113 §8.2.2: those that header rules may add are for HTTP/1. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/**
 * The response to a request over HTTP/2, with the members that it shares with one over HTTP/1. `finish` is emitted when
 * all of it was sent; `close` when the client has ended its side, too, or the stream was reset.
 */
export class Http2Response extends EventEmitter {
  readonly stream: Http2Stream
  writableEnded = false
  writableFinished = false
  readonly #method: string
  #trailers: string[] = []

  constructor(stream: Http2Stream, method: string) {
    super()
    this.stream = stream
    this.#method = method
    stream.events = {
      finished: () => {
        this.writableFinished = true
        this.emit('finish')
      },
      drained: () => void this.emit('drain'),
      closed: () => void this.emit('close'),
    }
  }

  get headersSent(): boolean {
    return this.stream.headSent
  }

  /** Bytes that were not sent yet. */
  get writableLength(): Bytes {
    return this.stream.writableLength
  }

  /**
   * The head; fields as name and value in turn. `last`: it ends the stream. Throws, with nothing sent, if a field cannot
   * be sent.
   */
  writeHead(status: number, fields: readonly string[], last: boolean): void {
    if (this.stream.closed) return
    let block = encodePseudo(':status', String(status))
    let dated = false
    for (let i = 0; i < fields.length; i += 2) {
      const name = (fields[i] as string).toLowerCase()
      if (hopByHop.has(name)) continue
      if (name === 'date') dated = true
      block += checkedField(name, fields[i + 1] as string)
    }
    if (!dated) block += dateField()
    const bodiless = this.#method === 'HEAD' || status === 204 || status === 205 || status === 304
    this.stream.respond(block, last || bodiless)
  }

  writeContinue(): void {
    this.stream.inform(encodePseudo(':status', '100'))
  }

  /** An interim response. Throws, with nothing sent, if a field cannot be sent. */
  writeInformation(status: number, fields: Readonly<Record<string, string>>): void {
    let block = encodePseudo(':status', String(status))
    for (const [name, value] of Object.entries(fields)) block += checkedField(name, value)
    this.stream.inform(block)
  }

  /** The head leaves without it. */
  flushHeaders(): void {}

  /** Part of the body. False: no more until `drain`. `sent` is called when it was sent, or never will be. */
  write(chunk: Buffer, sent?: () => void): boolean {
    return this.stream.write(chunk, sent)
  }

  /** `done` is called when all of it was sent, and the chunk is not used any more. */
  end(chunk?: Buffer, done?: () => void): void {
    if (this.writableEnded) return
    this.writableEnded = true
    if (done) this.once('finish', done)
    // The socket may hold it for longer.
    if (chunk) this.stream.writeLast(done ? Buffer.from(chunk) : chunk)
    this.stream.end(this.#trailers)
  }

  /** Throws if one cannot be sent. */
  addTrailers(fields: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(fields)) {
      checkedField(name, value)
      this.#trailers.push(name, value)
    }
  }

  /** Refuses the request, for which nothing was done yet: the client may send it again. */
  destroy(): void {
    this.stream.close(errorCodes.REFUSED_STREAM)
  }
}

function checkedField(name: string, value: string): string {
  if (!validName.test(name)) throw new Error(`invalid header name ${JSON.stringify(name)}`)
  if (unsendableValue.test(value)) throw new Error(`invalid value of the header ${name}`)
  return encodeField(name, value)
}

let date = ''
let dateOf = 0

/** RFC 9110 §6.6.1; the same text for a second. */
function dateField(): string {
  const now = Date.now()
  if (now - dateOf < 1_000 && now >= dateOf) return date
  dateOf = now - (now % 1_000)
  date = encodeField('date', new Date(now).toUTCString())
  return date
}
