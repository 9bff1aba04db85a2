/** What the gateway needs of its siblings. Plain data: all of it crosses into threads. */

/** A certificate ready to serve. PEM texts; the key is a secret. */
export interface ServedCertificate {
  /** Lower-case names it serves; `*.example.com` stands for one label. */
  readonly names: readonly string[]
  /** Leaf first, then intermediates. */
  readonly certificate: string
  readonly key: string
  /** Also served to clients that name no host, or one that no certificate covers. */
  readonly anyName: boolean
}

/** What an ACME server looks for; `pair` is there for tls-alpn-01. */
export interface ServedChallenge {
  readonly type: 'http-01' | 'tls-alpn-01' | 'dns-01'
  readonly name: string
  readonly token: string
  readonly proof: string
  readonly pair?: { readonly certificate: string; readonly key: string }
}
