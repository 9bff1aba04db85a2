import type { Milliseconds } from '../../shared/time/duration.ts'

/** How to connect to a target. */
export interface Dial {
  /** `scheme://host:port`, or `unix:/path`. */
  readonly origin: string
  /** Most connections at a time, of this thread; those of event streams do not count. */
  readonly connections: number
  /** Connect timeout, including the TLS handshake. */
  readonly connect: Milliseconds
  readonly tls?: TargetTls
}

export interface TargetTls {
  /** PEM; replaces the authorities that Node trusts. */
  readonly ca?: string
  /** The name to verify the certificate for, if it differs from the host of `origin`. */
  readonly serverName?: string
  readonly verify: boolean
}
