/**
 * The request headers that upstreams believe a proxy in front of them has set: who the client is, how it came, what it
 * asked for before a rewrite. A client that can set one can pose as anyone. docs/headers.md shows this list; a test
 * keeps the two equal.
 */

/** A name that ends with `*` matches all with that prefix. */
export interface TrustedHeaders {
  readonly about: string
  readonly names: readonly string[]
}

/**
 * Accepted from no one, since no proxy has a reason to send them: CGI turns the first into HTTP_PROXY (httpoxy), the
 * other makes Next.js skip its checks.
 */
export const neverForwarded: readonly string[] = ['Proxy', 'X-Middleware-Subrequest']

/** Accepted only from the peers in `gateway.trustedProxies`. */
export const trustedHeaders: readonly TrustedHeaders[] = [
  {
    about: 'the address of the client',
    names: [
      ...['Forwarded', 'Forwarded-For', 'X-Forwarded', 'X-Forwarded-*', 'X-Forwarder-For', 'X-Forward-For'],
      ...['Real-IP', 'X-Real-IP', 'X-Real-Port', 'Client-IP', 'X-Client-IP', 'X-Client-Port', 'X-Client-Address'],
      ...['True-Client-IP', 'X-True-Client-IP', 'X-True-IP', 'Cluster-Client-IP', 'X-Cluster-Client-IP', 'X-Source-IP'],
      ...['Remote-Addr', 'Remote-IP', 'Remote-Host', 'X-Remote-Addr', 'X-Remote-IP', 'X-Remote-Host', 'X-Remote-Port'],
      ...['X-Originating-IP', 'X-Origin-IP', 'X-ProxyUser-IP', 'Proxy-Client-IP', 'WL-Proxy-Client-IP', 'X-Peer-IP'],
      ...['X-Custom-IP-Authorization', 'X-Trusted-IP', 'X-IP', 'Via-IP', 'X-Coming-From', 'Coming-From', 'Source-IP'],
      ...['X-ClientIP', 'ClientIP', 'X-User-IP', 'X-Connecting-IP', 'HTTP-Client-IP'],
    ],
  },
  {
    about: 'what content delivery networks and clouds say of it',
    names: [
      ...[
        'CF-Connecting-IP',
        'CF-Connecting-IPv6',
        'CF-Connecting-O2O',
        'CF-Pseudo-IPv4',
        'CF-IPCountry',
        'CF-Visitor',
      ],
      ...[
        'CF-Access-*',
        'CF-Worker',
        'CloudFront-*',
        'Fastly-*',
        'Akamai-*',
        'X-Akamai-*',
        'Fly-Client-IP',
        'Fly-Forwarded-*',
      ],
      ...[
        'DO-Connecting-IP',
        'CDN-Src-IP',
        'CDN-Real-IP',
        'Ali-CDN-Real-IP',
        'X-CDN-Src-IP',
        'Incap-Client-IP',
        'X-Sucuri-*',
      ],
      ...[
        'X-Azure-*',
        'X-ARR-*',
        'X-MS-Client-Principal*',
        'X-MS-Token-*',
        'X-AppEngine-*',
        'X-Goog-IAP-*',
        'X-Goog-Authenticated-User-*',
        'X-Vercel-*',
      ],
      ...['X-NF-Client-Connection-IP', 'X-Amzn-OIDC-*', 'X-Amzn-MTLS-*', 'X-Envoy-*', 'X-Kong-*', 'X-WAWS-*'],
    ],
  },
  {
    about: 'scheme, host and port that it asked for',
    names: [
      ...['X-Scheme', 'X-Url-Scheme', 'X-Proto', 'X-HTTPS', 'Front-End-Https', 'X-SSL', 'X-Host', 'X-Port', 'X-Server'],
      ...['X-Backend-Host', 'X-HTTP-Host-Override', 'X-Host-Override', 'Proxy-Host', 'X-Proxy-*', 'Proxy-Url'],
      ...['X-Real-Host', 'X-Real-Proto', 'X-Real-Scheme', 'X-Protocol', 'WL-Proxy-SSL'],
    ],
  },
  {
    about: 'path and method before a rewrite, and files to be sent instead',
    names: [
      ...['X-Original-*', 'X-Rewrite-*', 'X-Rewritten-*', 'X-Replaced-Path', 'X-Request-Uri', 'X-Script-Name'],
      ...['X-Path-Info', 'X-HTTP-DestinationUrl', 'X-Sendfile-Type', 'X-Accel-*', 'X-Middleware-*', 'X-Matched-Path'],
      ...['X-Override-URL', 'X-Invoke-*'],
    ],
  },
  {
    about: 'who has logged in, as gateways and auth services say it',
    names: [
      ...['Remote-User', 'Remote-Groups', 'Remote-Email', 'Remote-Name', 'X-Remote-User', 'X-Remote-Group*'],
      ...['X-Remote-Email', 'X-Remote-Name', 'X-Remote-Extra-*', 'Auth-User', 'X-Auth-User', 'X-Auth-Request-*'],
      ...['X-Authenticated-*', 'X-Authenticated', 'X-WebAuth-*', 'X-Authentik-*', 'X-Vouch-*', 'X-Pomerium-*'],
      ...['X-IIS-*', 'AJP-Remote-*', 'OIDC-*', 'X-OIDC-*', 'X-Tailscale-*', 'X-JWT-*'],
      ...['Tailscale-User-*', 'X-Consumer-*', 'X-Credential-Identifier', 'X-Anonymous-Consumer', 'X-UserInfo'],
    ],
  },
  {
    about: 'certificates of clients',
    names: [
      ...[
        'Client-Cert',
        'Client-Cert-Chain',
        'Client-Verify',
        'Client-DN',
        'SSL-Client-*',
        'X-SSL-*',
        'X-Client-Cert*',
      ],
      ...['X-Client-Verify', 'X-Client-DN', 'X-TLS-Client-*', 'WL-Proxy-Client-Cert'],
    ],
  },
]

const never: ReadonlySet<string> = new Set(neverForwarded.map((name) => name.toLowerCase()))
const patterns = trustedHeaders.flatMap(({ names }) => names.map((name) => name.toLowerCase()))
const exact: ReadonlySet<string> = new Set(patterns.filter((name) => !name.endsWith('*')))
const prefixes = patterns.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))
const beginning = new RegExp(`^(?:${prefixes.join('|')})`)

/** Set by the gateway on every request, from the connection or from what a trusted peer says. */
const ours: ReadonlySet<string> = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'])

/** How a client's header (name in lower case) is treated: `ours` is set by the gateway, `never` is dropped. */
export function kindOfHeader(name: string): 'free' | 'trusted' | 'never' | 'ours' {
  if (ours.has(name)) return 'ours'
  if (exact.has(name) || beginning.test(name)) return never.has(name) ? 'never' : 'trusted'
  return never.has(name) ? 'never' : 'free'
}
