/**
 * The header that a proxy sends at the start of a connection to name its client: PROXY protocol, versions 1 and 2
 * (haproxy.org, doc/proxy-protocol.txt). Parsed from what has arrived so far, which may be incomplete.
 */
import { canonicalAddress } from '../../request/trust.ts'

export type Version = 'v1' | 'v2' | 'any'

export type Header =
  /** More bytes are needed. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'malformed'; readonly cause: string }
  /**
   * `length` bytes belong to it. No source: the connection is the proxy's own (a health check), or the client is
   * unknown.
   */
  | { readonly kind: 'complete'; readonly length: number; readonly source?: Source }

export interface Source {
  readonly address: string
  readonly port: number
}

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const word = Buffer.from('PROXY ', 'latin1')
/** The longest line of version 1, with its end (doc §2.1). */
const longestLine = 107
const fixedPart = 16
/** Addresses of Unix sockets take 216 bytes; the rest is room for TLVs. No known proxy sends more. */
const longestBody = 2_048

/** `bytes`: the connection from its start; a few kilobytes suffice. */
export function readProxyHeader(bytes: Buffer, version: Version): Header {
  if (version !== 'v1' && startsAlike(bytes, signature)) {
    return bytes.length < fixedPart ? incomplete : readBinary(bytes)
  }
  if (version !== 'v2' && startsAlike(bytes, word)) {
    return bytes.length < word.length ? incomplete : readLine(bytes)
  }
  return malformed('the connection does not begin with a PROXY header')
}

const incomplete: Header = { kind: 'incomplete' }

function malformed(cause: string): Header {
  return { kind: 'malformed', cause }
}

/** Whether the bytes agree with the expected ones as far as both go. */
function startsAlike(bytes: Buffer, expected: Buffer): boolean {
  const length = Math.min(bytes.length, expected.length)
  return bytes.compare(expected, 0, length, 0, length) === 0
}

function readLine(bytes: Buffer): Header {
  const end = bytes.subarray(0, longestLine).indexOf('\r\n', 0, 'latin1')
  if (end === -1) return bytes.length < longestLine ? incomplete : malformed('endless line in the PROXY header')
  const line = bytes.toString('latin1', 0, end)
  const length = end + 2
  // What follows `UNKNOWN` is to be ignored (doc §2.1).
  if (/^PROXY UNKNOWN( |$)/.test(line)) return { kind: 'complete', length }
  const [, family, address = '', , port = ''] =
    /^PROXY TCP([46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/.exec(line) ?? []
  const source = family && sourceOf(address, Number(port), family === '6')
  return source ? { kind: 'complete', length, source } : malformed('malformed line in the PROXY header')
}

function sourceOf(written: string, port: number, mayHaveColons: boolean): Source | undefined {
  const address = canonicalAddress(written)
  return address === undefined || port > 65_535 || written.includes(':') !== mayHaveColons
    ? undefined
    : { address, port }
}

function readBinary(bytes: Buffer): Header {
  const [versionAndCommand = 0, family = 0] = bytes.subarray(signature.length)
  if (versionAndCommand >> 4 !== 2) return malformed('unknown version in the PROXY header')
  const command = versionAndCommand & 0xf
  if (command > 1) return malformed('unknown command in the PROXY header')
  const body = bytes.readUInt16BE(14)
  if (body > longestBody) return malformed(`the PROXY header is longer than ${longestBody} bytes`)
  const needed = addressBytes[family >> 4] ?? Number.POSITIVE_INFINITY
  // LOCAL: addresses must be ignored, so they may be of any kind (doc §2.2).
  if (command === 1 && (needed > body || (family & 0xf) > 2)) return malformed('no valid address in the PROXY header')
  const length = fixedPart + body
  if (bytes.length < length) return incomplete
  const source = command === 1 ? binarySource(bytes.subarray(fixedPart), family >> 4) : undefined
  return { kind: 'complete', length, ...(source && { source }) }
}

/** By family: unspecified, IPv4, IPv6, Unix. */
const addressBytes: readonly number[] = [0, 12, 36, 216]

function binarySource(body: Buffer, family: number): Source | undefined {
  if (family === 1) return { address: body.subarray(0, 4).join('.'), port: body.readUInt16BE(8) }
  if (family !== 2) return undefined
  const groups = Array.from({ length: 8 }, (_, i) => body.readUInt16BE(2 * i).toString(16))
  const address = canonicalAddress(groups.join(':'))
  return address === undefined ? undefined : { address, port: body.readUInt16BE(32) }
}
