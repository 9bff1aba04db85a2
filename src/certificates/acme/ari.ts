/** ACME renewal information (RFC 9773): an unsigned GET that returns when the CA wants a certificate renewed. */
import { X509Certificate } from 'node:crypto'
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { RenewalWindow } from '../renewal.ts'
import type { AcmeTransport } from './acme-transport.ts'
import { retryAfterOf } from './acme-transport.ts'

export interface RenewalAdvice {
  readonly window: RenewalWindow
  /** When to ask again. */
  readonly askAgain: Milliseconds
}

/** RFC 9773 §4.3: a client asks again in six hours if the server names no time; ours at most once a minute. */
const usualPause: Milliseconds = 6 * 3_600_000
const pauseLimits = { least: 60_000, most: 24 * 3_600_000 } as const

/** Undefined if the directory offers none. Rejects with `AcmeFailure`, or an `Error` for an answer without a window. */
export async function askRenewalAdvice(
  transport: AcmeTransport,
  directory: string,
  certificate: string,
): Promise<RenewalAdvice | undefined> {
  const id = certificateId(certificate)
  const get = async (url: string) => transport({ url, method: 'GET', headers: { Accept: 'application/json' } })
  const { renewalInfo } = JSON.parse((await get(directory)).body) as { renewalInfo?: string }
  if (renewalInfo === undefined || id === undefined) return undefined
  const { body, headers } = await get(`${renewalInfo}/${id}`)
  const { suggestedWindow, explanationURL } = JSON.parse(body) as {
    suggestedWindow?: { start?: string; end?: string }
    explanationURL?: string
  }
  const [start, end] = [Date.parse(suggestedWindow?.start ?? ''), Date.parse(suggestedWindow?.end ?? '')]
  if (Number.isNaN(start) || Number.isNaN(end) || end < start)
    throw new Error('the renewal information names no window')
  const wait = retryAfterOf(headers['retry-after']).retryAfter ?? usualPause
  return {
    window: { start, end, ...(explanationURL !== undefined && { explanation: explanationURL }) },
    askAgain: Math.min(Math.max(wait, pauseLimits.least), pauseLimits.most),
  }
}

/**
 * RFC 9773 §4.1: the issuer's key identifier and the serial number, in base64url; undefined if it has no issuer's key
 * identifier.
 */
export function certificateId(pem: string): string | undefined {
  const { raw, serialNumber } = new X509Certificate(pem)
  const issuerKey = authorityKeyIdentifier(raw)
  // The content of a DER integer: a leading zero keeps it positive.
  const hex = serialNumber.length % 2 === 1 ? `0${serialNumber}` : serialNumber
  const serial = Number.parseInt(hex.slice(0, 2), 16) >= 0x80 ? `00${hex}` : hex
  return issuerKey && `${issuerKey.toString('base64url')}.${Buffer.from(serial, 'hex').toString('base64url')}`
}

/** The extension's object identifier, 2.5.29.35, in DER. */
const extensionId = Buffer.from('0603551d23', 'hex')

/** The keyIdentifier (context tag 0) of RFC 5280 §4.2.1.1, which node:crypto does not expose. */
function authorityKeyIdentifier(der: Buffer): Buffer | undefined {
  const at = der.indexOf(extensionId)
  if (at === -1) return undefined
  // OCTET STRING { SEQUENCE { [0] keyIdentifier ... } }, all of them short enough for lengths of one byte, or two.
  let position = at + extensionId.length
  for (const expected of [0x04, 0x30]) {
    if (der[position] !== expected) return undefined
    position += 1 + lengthBytes(der, position + 1)
  }
  if (der[position] !== 0x80) return undefined
  const start = position + 1 + lengthBytes(der, position + 1)
  return der.subarray(start, start + (der[position + 1] ?? 0))
}

function lengthBytes(der: Buffer, at: number): number {
  const first = der[at] ?? 0
  return first < 0x80 ? 1 : 1 + (first & 0x7f)
}
