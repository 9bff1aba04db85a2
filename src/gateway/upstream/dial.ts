import type { Milliseconds } from '../../shared/time/duration.ts'

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
