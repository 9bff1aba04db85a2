/** What a TLS listener asks of clients and tells them. */
export interface ClientCertificatesPlan {
  /** Absolute path of a PEM file with the authorities that are accepted. */
  readonly ca: string
  /** False: a client may come without a certificate. */
  readonly required: boolean
  /** Names of the headers that upstreams get, in lower case. */
  readonly headers: {
    readonly subject: string
    readonly fingerprint: string
    readonly certificate?: string
  }
}
