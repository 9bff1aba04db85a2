import type { Bytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'

/** How to connect to a target. */
export interface Dial {
  /** `scheme://host:port`, or `unix:/path`; see shared/net/origin-scheme.ts for the schemes. */
  readonly origin: string
  /** Most connections at a time, of this thread; those of event streams do not count. */
  readonly connections: number
  /** Connect timeout, including the TLS handshake. */
  readonly connect: Milliseconds
  /** Limit of the head of an answer, to announce over HTTP/2; required there. */
  readonly answerHeaders?: Bytes
  readonly tls?: TargetTls
}

export type DialLimits = Pick<Dial, 'connections' | 'answerHeaders'>

export interface TargetTls {
  /** PEM; replaces the authorities that Node trusts. */
  readonly ca?: string
  /** The name to verify the certificate for, if it differs from the host of `origin`. */
  readonly serverName?: string
  readonly verify: boolean
}
