import { isIP } from 'node:net'
import type { Milliseconds } from '../../shared/duration.ts'

/** How a target is dialled. */
export interface Dial {
  /** `scheme://host:port`, or `unix:/path`. */
  readonly origin: string
  /** So many at a time, of this thread; answers without an end of their own do not count. */
  readonly connections: number
  /** Bounds the dialling, the TLS handshake included. */
  readonly connect: Milliseconds
  readonly tls?: TargetTls
}

export interface TargetTls {
  /** PEM; instead of the authorities that Node trusts. */
  readonly ca?: string
  /** The name whose certificate the target must show, if it is not the one that it is dialled by. */
  readonly serverName?: string
  readonly verify: boolean
}

interface Named {
  readonly origin: string
  readonly tls?: { readonly serverName?: string }
}

/**
 * The name whose certificate an upstream must show. node:https would take it from the Host header, which here
 * is the client's: whoever names a host could choose which certificate we trust. Empty for an address (RFC 6066 §3), for
 * which the certificate's addresses are checked.
 */
export function serverNameOf({ origin, tls }: Named): string {
  if (tls?.serverName !== undefined) return tls.serverName
  const { hostname } = new URL(origin)
  return isIP(hostname.replace(/^\[|\]$/g, '')) ? '' : hostname
}
