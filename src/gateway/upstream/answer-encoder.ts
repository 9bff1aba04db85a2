/** Encodes answers of upstreams on their way, where that makes them shorter and harms nobody. */
import type { ContentEncoding } from '../../plan/types.ts'
import type { Milliseconds } from '../../shared/duration.ts'
import { isCompressible } from '../encoding/compressible.ts'
import { createEncoder } from '../encoding/encode.ts'
import { leastWorthEncoding, type Negotiate } from '../encoding/negotiate.ts'
import type { Exchange } from '../exchange.ts'

/** Nothing waits longer than this in the encoder for what comes behind it. */
const patience: Milliseconds = 10

export interface EncodedHead {
  readonly headers: readonly string[]
  /** Absent: the body goes as it is. */
  readonly encoding?: ContentEncoding
}

/**
 * The head of an answer (name and value in turn), made fit for the encoding that its client likes best. Left alone are
 * answers without a body, parts of one (206), those already encoded, those that forbid it (RFC 9111 §5.2.2.6), event
 * streams, and types that would not get shorter. A strong ETag becomes a weak one, since the bytes differ (RFC 9110 §8.8.1).
 */
export function encodeHead(
  { request }: Exchange,
  status: number,
  headers: readonly string[],
  negotiate: Negotiate,
): EncodedHead {
  if (request.method === 'HEAD' || status === 204 || status === 206 || status === 304) return { headers }
  const { compressible, varies } = factsOf(headers)
  if (!compressible) return { headers }
  const vary = varies ? [] : ['vary', 'Accept-Encoding']
  const [encoding] = negotiate(request.headers['accept-encoding'] as string | undefined)
  if (!encoding) return { headers: [...headers, ...vary] }
  const kept: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    const value = headers[i + 1] as string
    if (name === 'content-length' || name === 'accept-ranges' || name === 'content-encoding') continue
    kept.push(headers[i] as string, name === 'etag' && value.startsWith('"') ? `W/${value}` : value)
  }
  kept.push('content-encoding', encoding, ...vary)
  return { headers: kept, encoding }
}

interface Facts {
  readonly compressible: boolean
  /** It says already that it depends on Accept-Encoding. */
  readonly varies: boolean
}

const leaveAlone: Facts = { compressible: false, varies: false }

function factsOf(headers: readonly string[]): Facts {
  let compressible = false
  let varies = false
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] as string
    switch ((headers[i] as string).toLowerCase()) {
      case 'content-type':
        compressible = isCompressible(value)
        break
      case 'content-length':
        if (Number(value) < leastWorthEncoding) return leaveAlone
        break
      case 'content-encoding':
        if (value.toLowerCase() !== 'identity') return leaveAlone
        break
      case 'cache-control':
        if (/\bno-transform\b/i.test(value)) return leaveAlone
        break
      case 'vary':
        varies ||= /\*|\baccept-encoding\b/i.test(value)
        break
    }
  }
  return { compressible, varies }
}

/** The body behind such a head, with backpressure. */
export class AnswerEncoder {
  readonly #exchange: Exchange
  readonly #encoder: ReturnType<typeof createEncoder>
  /** Absent while nothing waits in the encoder. */
  #flushing: NodeJS.Timeout | undefined

  /** `resume` is called when `write` had returned false and there is room again. */
  constructor(exchange: Exchange, encoding: ContentEncoding, resume: () => void) {
    const { response } = exchange
    this.#exchange = exchange
    this.#encoder = createEncoder(encoding)
    this.#encoder.on('data', (chunk: Buffer) => {
      exchange.bytesSent += chunk.length
      if (!response.write(chunk)) this.#encoder.pause()
    })
    this.#encoder.on('drain', resume)
    this.#encoder.on('end', () => response.end())
    response.on('drain', () => this.#encoder.resume())
    exchange.onAbandoned(() => this.#close())
  }

  write(chunk: Buffer): boolean {
    if (this.#exchange.over) return true
    this.#flushing ??= setTimeout(() => {
      this.#flushing = undefined
      this.#encoder.flush()
    }, patience)
    return this.#encoder.write(chunk)
  }

  end(): void {
    clearTimeout(this.#flushing)
    this.#encoder.end()
  }

  #close(): void {
    clearTimeout(this.#flushing)
    this.#encoder.destroy()
  }
}
