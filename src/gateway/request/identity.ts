/** Who sent a request, as far as the proxies in front of the gateway are trusted to say. */
import type { IncomingHttpHeaders } from 'node:http'
import { type AddressTest, canonicalAddress } from './trust.ts'

export interface Identity {
  /** The other end of the connection, or the address that its PROXY header names. */
  readonly peer: string
  /** Whether the peer is a proxy whose X-Forwarded-* and Forwarded are believed. */
  readonly trusted: boolean
  /** The rightmost hop that is not one of our proxies. */
  readonly client: string
  /** The scheme of the client's own request, to the gateway or to a trusted proxy in front of it. */
  readonly scheme: 'http' | 'https'
}

/** `secure`: the connection uses TLS. */
export interface Connection {
  readonly peer: string
  readonly secure: boolean
}

export function identify({ peer, secure }: Connection, headers: IncomingHttpHeaders, trusts: AddressTest): Identity {
  const own = secure ? 'https' : 'http'
  if (!trusts(peer)) return { peer, trusted: false, client: peer, scheme: own }
  const client = clientBehind(peer, textOf(headers['x-forwarded-for']), trusts)
  const [scheme] = forwardedSchemes(textOf(headers['x-forwarded-proto'])) ?? []
  return {
    peer,
    trusted: true,
    client,
    scheme: scheme === undefined ? own : scheme === 'https' || scheme === 'wss' ? 'https' : 'http',
  }
}

/**
 * Each proxy appends the address of its own peer, so the list is read from the right while the hops are trusted:
 * anything to the left of the client was written by the client. An entry that is no address ends the walk at the hop
 * that added it.
 */
function clientBehind(peer: string, forwardedFor: string | undefined, trusts: AddressTest): string {
  let client = peer
  for (const hop of forwardedFor?.split(',').reverse() ?? []) {
    const address = hopAddress(hop.trim())
    if (address === undefined) return client
    client = address
    if (!trusts(client)) return client
  }
  return client
}

/** Some proxies append a port to the address, and put an IPv6 address in brackets. */
function hopAddress(hop: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(hop) ?? []
  return canonicalAddress(bracketed ?? plain ?? hop)
}

/**
 * The values of X-Forwarded-Proto, the client's first; undefined if there are none or one is not a scheme of the web.
 */
export function forwardedSchemes(value: string | undefined): readonly string[] | undefined {
  const schemes = value?.split(',').map((scheme) => scheme.trim().toLowerCase())
  return schemes?.every((scheme) => /^(https?|wss?)$/.test(scheme)) ? schemes : undefined
}

/** Node joins repeated fields of these names; only Set-Cookie comes as a list. */
function textOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
