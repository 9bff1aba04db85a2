/** A strict parser for the heads of requests: the request line and the fields (RFC 9112 §3 and §5). */
import type { IncomingHttpHeaders } from 'node:http'
import { byName } from '../../http1/by-name.ts'
import type { FaultOf } from '../../http1/fault.ts'
import { eachField, forbidden, membersOf } from '../../http1/fields.ts'
import type { Refusal } from '../../request/refusal.ts'

/** How a body ends: after this many bytes, or with its last chunk; `unknown`: it cannot be read. */
export type RequestFraming = number | 'chunked' | 'unknown'

export interface RequestHead {
  /** Any token. */
  readonly method: string
  readonly target: string
  /** `1.1` or `1.0`, or what the client wrote instead. */
  readonly version: string
  /** Name and value in turn, as received, without whitespace around values; bytes as latin1. */
  readonly rawHeaders: string[]
  /** By name in lower case, repeated fields joined as by Node. */
  readonly headers: IncomingHttpHeaders
  readonly framing: RequestFraming
  /** Whether the client wants to send more requests. */
  readonly keepAlive: boolean
  /** Whether Connection names `upgrade`. */
  readonly upgrade: boolean
}

/** The bytes are not a request; `refusal` is the answer. */
export class RequestFault extends Error {
  readonly refusal: Refusal

  constructor(status: 400 | 408 | 413 | 431, what: string) {
    super(what)
    this.refusal = { status, cause: `unreadable request: ${what}` }
  }
}

const statuses = { malformed: 400, 'too-long': 431, 'extension-too-long': 413 } as const

export const requestFault: FaultOf = (what, kind = 'malformed') => new RequestFault(statuses[kind], what)

const requestLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}) ([\x21-\x7e]+) HTTP\/(\d\.\d)$/
/** How any request begins: most of another protocol's first bytes do not. */
const beginning = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{0,64}(?: |$)/

/** Throws a RequestFault if no request begins like this: other protocols are refused with their first bytes. */
export function mustBeginRequest(bytes: Buffer): void {
  const text = bytes.toString('latin1', 0, 65)
  if (!beginning.test(text) && text !== '\r') throw requestFault(`it begins with ${JSON.stringify(text.slice(0, 40))}`)
}

/** Reads a head, up to and with the empty line that ends it. Throws a RequestFault. */
export function readRequestHead(text: string): RequestHead {
  const lineEnd = text.indexOf('\r\n')
  const line = requestLine.exec(text.slice(0, lineEnd))
  if (!line) throw requestFault(`it begins with ${JSON.stringify(text.slice(0, Math.min(lineEnd, 40)))}`)
  if (forbidden.test(text)) throw requestFault('a control character in its head')
  return new HeadReader(line[1] as string, line[2] as string, line[3] as string).read(text, lineEnd + 2)
}

/** Collects the fields of a head, and what they say about its body and its connection. */
class HeadReader implements RequestHead {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly rawHeaders: string[] = []
  readonly headers: IncomingHttpHeaders = Object.create(null)
  keepAlive: boolean
  upgrade = false
  #length: number | undefined
  #chunked = false
  #coded = false
  #close = false

  constructor(method: string, target: string, version: string) {
    this.method = method
    this.target = target
    this.version = version
    this.keepAlive = version === '1.1'
  }

  get framing(): RequestFraming {
    if (this.#coded) return this.#chunked && this.version === '1.1' ? 'chunked' : 'unknown'
    return this.#length ?? 0
  }

  read(text: string, start: number): RequestHead {
    eachField(text, start, requestFault, (name, value) => this.#take(name, value))
    // RFC 9112 §6.3: the two framings disagree, and parsers differ in which one they use.
    if (this.#coded && this.#length !== undefined) throw requestFault('both Content-Length and Transfer-Encoding')
    return this
  }

  #take(name: string, value: string): void {
    this.rawHeaders.push(name, value)
    const { lower, repeated } = fieldNamed(name)
    const before = this.headers[lower]
    if (before === undefined) {
      if (repeated === 'all') this.headers['set-cookie'] = [value]
      else this.headers[lower] = value
    } else if (repeated === 'all') (before as string[]).push(value)
    else if (repeated !== 'first') this.headers[lower] = `${before}${repeated}${value}`
    switch (lower) {
      case 'connection':
        this.#takeConnection(value)
        break
      case 'content-length':
        this.#takeLength(value)
        break
      case 'transfer-encoding':
        this.#chunked = !this.#coded && value.toLowerCase() === 'chunked'
        this.#coded = true
    }
  }

  #takeConnection(value: string): void {
    for (const member of membersOf(value)) {
      const option = member.toLowerCase()
      if (option === 'close') this.#close = true
      else if (option === 'keep-alive' && this.version === '1.0') this.keepAlive = true
      else if (option === 'upgrade') this.upgrade = true
      if (this.#close) this.keepAlive = false
    }
  }

  /** Even equal lengths are not repeated by honest clients. */
  #takeLength(value: string): void {
    const length = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
    if (!Number.isSafeInteger(length)) throw requestFault('an invalid Content-Length')
    if (this.#length !== undefined) throw requestFault('more than one Content-Length')
    this.#length = length
  }
}

interface FieldName {
  readonly lower: string
  /** What becomes of several values: the first counts, they are joined with this, or all are kept. */
  readonly repeated: 'first' | 'all' | ', ' | '; '
}

/** As Node has them: of these the first counts. */
const singleValued: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
])

const fieldNamed = byName((name): FieldName => {
  const lower = name.toLowerCase()
  return { lower, repeated: repeatedOf(lower) }
})

function repeatedOf(lower: string): FieldName['repeated'] {
  if (lower === 'set-cookie') return 'all'
  if (lower === 'cookie') return '; '
  return singleValued.has(lower) ? 'first' : ', '
}
