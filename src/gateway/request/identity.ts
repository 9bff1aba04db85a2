/** Who asks, and what is believed of what a proxy in front of us says about that. */
import type { IncomingHttpHeaders } from 'node:http'
import { canonicalAddress, type InRanges } from './trust.ts'

export interface Identity {
  /** The other end of the connection; where a PROXY header came first, the one that it names. */
  readonly peer: string
  /** Whether the peer is a proxy whose X-Forwarded-* and Forwarded are believed. */
  readonly trusted: boolean
  /** The rightmost hop that is not one of our proxies. */
  readonly client: string
  /** As the client spoke it, to us or to the trusted proxy in front of us. */
  readonly scheme: 'http' | 'https'
}

/** What is known of a connection. `secure`: it came with TLS. */
export interface Connection {
  readonly peer: string
  readonly secure: boolean
}

export function identify({ peer, secure }: Connection, headers: IncomingHttpHeaders, trusts: InRanges): Identity {
  const own = secure ? 'https' : 'http'
  if (!trusts(peer)) return { peer, trusted: false, client: peer, scheme: own }
  const client = clientBehind(peer, textOf(headers['x-forwarded-for']), trusts)
  const [scheme] = forwardedSchemes(textOf(headers['x-forwarded-proto'])) ?? []
  return {
    peer,
    trusted: true,
    client,
    scheme: scheme === undefined ? own : /^(https|wss)$/.test(scheme) ? 'https' : 'http',
  }
}

/**
 * Each proxy appends the address it was asked from, so the list is read from the right for as long as those who wrote it
 * are trusted: what stands left of the client was written by the client. An entry that is no address ends the walk at the
 * hop that vouched for it.
 */
function clientBehind(peer: string, forwardedFor: string | undefined, trusts: InRanges): string {
  let client = peer
  for (const hop of forwardedFor?.split(',').reverse() ?? []) {
    const address = hopAddress(hop.trim())
    if (address === undefined) return client
    client = address
    if (!trusts(client)) return client
  }
  return client
}

/** Some proxies write a port behind the address, and brackets around one of IPv6. */
function hopAddress(hop: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(hop) ?? []
  return canonicalAddress(bracketed ?? plain ?? hop)
}

/** The values of X-Forwarded-Proto, the client's first; undefined if there are none or one is not a scheme of the web. */
export function forwardedSchemes(value: string | undefined): readonly string[] | undefined {
  const schemes = value?.split(',').map((scheme) => scheme.trim().toLowerCase())
  return schemes?.every((scheme) => /^(https?|wss?)$/.test(scheme)) ? schemes : undefined
}

/** Node joins repeated fields of these names; only Set-Cookie comes as a list. */
function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
