/**
 * Where our reading of requests differs from llhttp's, and whether that is one of the differences that ADR 33 argues
 * for.
 */

import { type Reading, type ReadRequest, read } from '../parsed.ts'
import { type LlhttpReading, readWithLlhttp } from './llhttp.ts'
import { mutatedRequests, randomFrom } from './mutations.ts'

export interface Difference {
  readonly bytes: string
  readonly ours: unknown
  readonly theirs: unknown
}

export interface Comparison {
  /** Both read the same requests. */
  agreed: number
  /** Requests that both read. */
  read: number
  /** Differences that are argued for, by their reason. */
  readonly argued: Record<string, number>
  readonly differences: Difference[]
}

export async function compare(count: number, seed: number): Promise<Comparison> {
  const random = randomFrom(seed)
  const found: Comparison = { agreed: 0, read: 0, argued: {}, differences: [] }
  for (let i = 0; i < count && found.differences.length < 20; i++) {
    const text = mutatedRequests(random)
    const bytes = Buffer.from(text, 'latin1')
    const cut = Math.floor(random() * (bytes.length + 1))
    const early = random() < 0.3
    const ours = await read([bytes])
    const again = await read(
      [bytes.subarray(0, cut), bytes.subarray(cut)].filter((part) => part.length > 0),
      { early },
    )
    const theirs = readWithLlhttp(bytes)
    const differs = firstDifference(ours.requests, theirs.requests, true)
    if (firstDifference(ours.requests, again.requests, !early) !== -1) {
      found.differences.push({ bytes: text, ours, theirs: again })
    } else if (differs !== -1) {
      const reason = argumentFor(text, ours, theirs, differs)
      if (reason) found.argued[reason] = (found.argued[reason] ?? 0) + 1
      else found.differences.push({ bytes: text, ours, theirs })
    } else {
      found.agreed += 1
      found.read += ours.requests.filter(({ complete }) => complete).length
    }
  }
  return found
}

/** Index of the first request that only one has, or that they read differently; -1 if there is none. */
function firstDifference(ours: readonly ReadRequest[], theirs: readonly ReadRequest[], bodies: boolean): number {
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const [one, other] = [ours[i], theirs[i]]
    if (!one || !other || !same(one, other, bodies)) return i
  }
  return -1
}

/** Of a body that is not complete, a piece may have come before the fault. */
function same(one: ReadRequest, other: ReadRequest, bodies: boolean): boolean {
  const heads = (read: ReadRequest) => JSON.stringify([read.method, read.target, read.version, read.fields])
  if (heads(one) !== heads(other)) return false
  if (!bodies) return true
  if (one.complete !== other.complete) return false
  return !one.complete || (one.body === other.body && JSON.stringify(one.trailers) === JSON.stringify(other.trailers))
}

/** The reason in ADR 33 for which we refuse what llhttp reads, or read what it refuses. */
function argumentFor(text: string, ours: Reading, theirs: LlhttpReading, at: number): string | undefined {
  const [one, other] = [ours.requests[at], theirs.requests[at]]
  const last = ours.requests[at - 1]
  if (!one && other && ours.error === undefined && last)
    return isClosedAndKept(last) ? 'Connection: close beside keep-alive' : undefined
  if (other && ours.error !== undefined && !one?.complete) return whyWeRefuse(ours.error, other)
  if (one && theirs.error !== undefined && !other?.complete) return whyWeRead(text, last, one, theirs.error)
  return undefined
}

function whyWeRefuse(error: string, { version }: ReadRequest): string | undefined {
  const ofGateway = ofValidation.exec(error)?.[0]
  if (ofGateway) return ofGateway
  if (version === '0.9') return 'HTTP/0.9, without a version'
  const line = /^unreadable request: it begins with (".*")$/.exec(error)?.[1]
  if (line === undefined) return undefined
  const begins: string = JSON.parse(line)
  if (/^[\r\n]/.test(begins)) return 'a bare CR or LF before the request line'
  if (/ {2}/.test(begins)) return 'several blanks in the request line'
  return /^SOURCE|(?:RTSP|ICE)\//.test(begins) ? 'another protocol' : undefined
}

function whyWeRead(text: string, last: ReadRequest | undefined, one: ReadRequest, error: string): string | undefined {
  if (error === 'HPE_INVALID_TRANSFER_ENCODING') return /chunked *\t/i.test(text) ? 'a tab behind chunked' : undefined
  if (error === 'HPE_CLOSED_CONNECTION')
    return last && namesIn(last.trailers).includes('connection') ? 'Connection among trailers' : undefined
  // Of a request for an upgrade the error is unknown.
  const ofChunks = /^HPE_(?:STRICT|INVALID_CHUNK_SIZE|UNKNOWN)$/.test(error)
  return ofChunks && one.complete && /\n[0-9a-f]+;/i.test(text) ? 'an odd chunk extension' : undefined
}

function namesIn(fields: readonly string[]): string[] {
  return fields.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
}

/** What the gateway refuses, though it can be read (request/validate-request.ts). */
const ofValidation =
  /^(?:Transfer-Encoding in HTTP\/1\.0|unsupported transfer coding|unknown expectation|malformed request target|unsupported version|unknown method|TRACE with a body)/

function isClosedAndKept({ version, fields }: ReadRequest): boolean {
  const options = fields.filter((_, i) => fields[i - 1]?.toLowerCase() === 'connection').join(',')
  return version === '1.0' && /close/i.test(options) && /keep-alive/i.test(options)
}
