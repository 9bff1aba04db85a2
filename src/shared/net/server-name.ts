import { isIP } from 'node:net'

interface Named {
  readonly origin: string
  readonly tls?: { readonly serverName?: string }
}

/**
 * The name that the certificate of an upstream must have. node:https would take it from the Host header, by which a
 * client could choose the certificate that we trust. Empty for an address (RFC 6066 §3): then the certificate's
 * addresses are checked.
 */
export function serverNameOf({ origin, tls }: Named): string {
  if (tls?.serverName !== undefined) return tls.serverName
  const { hostname } = new URL(origin)
  return isIP(hostname.replace(/^\[|\]$/g, '')) ? '' : hostname
}
