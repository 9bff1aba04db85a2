import { isIP } from 'node:net'

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
