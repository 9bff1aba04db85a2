/** What certificates gives to the gateway, by way of app. Plain data: it is sent to threads. */

/**
 * A certificate ready to serve, as PEM; the key is a secret. Lists are in the order of the config file. The certificate
 * with `anyName`, else the first, also serves clients that name no host, such as those that connect to an address (RFC
 * 6066 §3 allows none in SNI). A name that no certificate covers is refused, unless one has `anyName`.
 */
export interface ServedCertificate {
  /** Lower case; `*.example.com` stands for one label. */
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
  /** tls-alpn-01: what to serve to clients that ask for `acme-tls/1`. PEM; the key has no other use. */
  readonly pair?: { readonly certificate: string; readonly key: string }
}
