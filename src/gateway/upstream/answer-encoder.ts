/** Compresses answers of upstreams on the fly, where that is allowed and makes them shorter. */

import type { ContentEncoding } from '../../plan/model/plan.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import { isCompressible } from '../encoding/compressible.ts'
import { createEncoder } from '../encoding/encode.ts'
import { minEncodedSize, type Negotiate } from '../encoding/negotiate.ts'
import type { Exchange } from '../request/exchange.ts'
import { reserveEncoder } from '../response/encoder-limit.ts'

/** The encoder is flushed when its input pauses for this long. */
const flushAfter: Milliseconds = 10

export interface EncodedHead {
  readonly headers: readonly string[]
  /** Absent: the body goes as it is. */
  readonly encoding?: ContentEncoding
}

/**
 * Rewrites the head of an answer (name and value in turn) for the encoding that its client prefers. Not encoded are
 * answers that are encoded already, that forbid it (RFC 9111 §5.2.2.6), event streams, types that would not get
 * shorter, and answers beyond the limit of encoders. A strong ETag becomes weak, since the bytes differ (RFC 9110
 * §8.8.1).
 *
 * HEAD, 304 and 206 carry no body that is encoded, but they describe the answer to a GET: HEAD with all its fields (RFC
 * 9110 §9.3.2), the others with its ETag and Vary (§15.3.7, §15.4.5).
 */
export function encodeHead(
  exchange: Exchange,
  status: number,
  headers: readonly string[],
  negotiate: Negotiate,
): EncodedHead {
  if (status === 204) return { headers }
  const { request, dialled, inner } = exchange
  const facts = factsOf(status, headers)
  if (dialled && facts.etag !== undefined) dialled.tags.note(inner.path, facts.etag)
  if (facts.encodable === 'no') return { headers }
  const vary = facts.varies ? [] : ['vary', 'Accept-Encoding']
  const [encoding] = negotiate(request.headers['accept-encoding'] as string | undefined)
  if (!encoding) return { headers: [...headers, ...vary] }
  if (status === 206 || status === 304) {
    const kept = facts.encodable === 'unknown' && names(request.headers['if-none-match'], facts.etag)
    if (kept) return { headers: [...headers, ...vary] }
    dialled?.tags.weakened(inner.path, facts.etag)
    return { headers: [...withWeakTag(headers), ...vary] }
  }
  if (request.method !== 'HEAD' && !reserveEncoder(exchange)) return { headers: [...headers, ...vary] }
  dialled?.tags.weakened(inner.path, facts.etag)
  const fields = withWeakTag(headers, describingThePlainBody)
  fields.push('content-encoding', encoding, ...vary)
  return request.method === 'HEAD' ? { headers: fields } : { headers: fields, encoding }
}

const describingThePlainBody: ReadonlySet<string> = new Set(['content-length', 'accept-ranges', 'content-encoding'])

function withWeakTag(headers: readonly string[], without?: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = (headers[i] as string).toLowerCase()
    const value = headers[i + 1] as string
    if (without?.has(name)) continue
    kept.push(headers[i] as string, name === 'etag' && value.startsWith('"') ? `W/${value}` : value)
  }
  return kept
}

/** Whether the client has named exactly this tag, and so has a copy that was not encoded. */
function names(ifNoneMatch: string | undefined, etag: string | undefined): boolean {
  const named: readonly string[] = ifNoneMatch?.match(/(?:W\/)?"[^"]*"/g) ?? []
  return etag !== undefined && named.includes(etag)
}

interface Facts {
  /** `unknown`: a 304 seldom names the type of the answer it stands for. */
  readonly encodable: 'yes' | 'no' | 'unknown'
  /** Its Vary covers Accept-Encoding already. */
  readonly varies: boolean
  readonly etag: string | undefined
}

function factsOf(status: number, headers: readonly string[]): Facts {
  let encodable: Facts['encodable'] = status === 304 ? 'unknown' : 'no'
  let forbidden = false
  let varies = false
  let etag: string | undefined
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] as string
    switch ((headers[i] as string).toLowerCase()) {
      case 'content-type':
        encodable = isCompressible(value) ? 'yes' : 'no'
        break
      case 'content-length':
        // In a 304 it is often 0, in a 206 that of the part.
        if (status !== 304 && status !== 206) forbidden ||= Number(value) < minEncodedSize
        break
      case 'content-range':
        if (status === 206) forbidden ||= Number(value.slice(value.indexOf('/') + 1)) < minEncodedSize
        break
      case 'content-encoding':
        forbidden ||= value.toLowerCase() !== 'identity'
        break
      case 'cache-control':
        forbidden ||= /\bno-transform\b/i.test(value)
        break
      case 'vary':
        varies ||= /\*|\baccept-encoding\b/i.test(value)
        break
      case 'etag':
        etag = value
        break
    }
  }
  return { encodable: forbidden ? 'no' : encodable, varies, etag }
}

/** Encodes the body of such an answer, with backpressure. */
export class AnswerEncoder {
  readonly #exchange: Exchange
  readonly #encoder: ReturnType<typeof createEncoder>
  /** Absent while the encoder is empty. */
  #flushing: NodeJS.Timeout | undefined

  /** `resume` is called when there is room again after `write` has returned false. */
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

  /** `taken` is called when the encoder has read the chunk, if it does. */
  write(chunk: Buffer, taken?: () => void): boolean {
    if (this.#exchange.over) return true
    this.#flushing ??= setTimeout(() => {
      this.#flushing = undefined
      this.#encoder.flush()
    }, flushAfter)
    return this.#encoder.write(chunk, taken)
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
