/** What certificates hands to the gateway through app. Plain data: all of it crosses into threads. */

/**
 * A certificate ready to serve. PEM texts; the key is a secret. Lists of them are in the order of the config file. The
 * one with `anyName`, else the first, is also for clients that name no host, as those that dial an address do (RFC 6066
 * §3 allows no address in SNI). A name that no certificate covers is refused, unless one has `anyName`.
 */
export interface ServedCertificate {
  /** Lower-case names it serves; `*.example.com` stands for one label. */
  readonly names: readonly string[]
  /** Leaf first, then intermediates. */
  readonly certificate: string
  /** PKCS#8. */
  readonly key: string
  /** Also served for names that no certificate covers. */
  readonly anyName: boolean
}

/** What an ACME server looks for to see that a name is ours (RFC 8555 §8, RFC 8737). */
export interface ServedChallenge {
  readonly type: 'http-01' | 'tls-alpn-01' | 'dns-01'
  readonly name: string
  readonly token: string
  /** http-01: the body to answer with; dns-01: the value of the TXT record. */
  readonly proof: string
  /** tls-alpn-01: what to serve to a client that asks for `acme-tls/1`. PEM; the key is of no further use. */
  readonly pair?: { readonly certificate: string; readonly key: string }
}
