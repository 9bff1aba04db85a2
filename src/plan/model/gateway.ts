/** The gateway as the plan has it: where it listens, and what holds for all requests. */
import type { SourcePosition } from '../../config/diagnostics.ts'
import type { GuardsPlan, LimitsPlan, PasswordHashes, RateLimitStorePlan } from './guards.ts'
import type { HeadersPlan } from './headers.ts'
import type { RoutePlan } from './routes.ts'
import type { UpstreamPlan } from './upstreams.ts'

export interface GatewayPlan {
  /** `auto`: as many as fit the CPUs of the machine it runs on. */
  readonly threads: 'auto' | number
  readonly listeners: readonly ListenerPlan[]
  /** In the order of the file: the first that matches wins. */
  readonly routes: readonly RoutePlan[]
  /** Those that a route names. */
  readonly upstreams: readonly UpstreamPlan[]
  /** Ranges, as `address/prefix`, whose X-Forwarded-* and PROXY headers are trusted. */
  readonly trustedProxies: readonly string[]
  readonly requestId: RequestIdPlan
  readonly limits: LimitsPlan
  readonly users: PasswordHashes
  /** For requests that no route matches; each route has its own. */
  readonly guards: GuardsPlan
  /** Absolute path of the folder in which replicas share HTTP-01 challenges; absent: there are none. */
  readonly challengeFolder?: string
  /** Absent: nothing is limited, or each replica counts for itself. */
  readonly rateLimitStore?: RateLimitStorePlan
  readonly response: HeadersPlan
  readonly health: HealthPlan
  readonly errors: ErrorsPlan
  readonly accessLog: AccessLogPlan | false
  /** The encodings that clients are offered, the preferred one first; empty: none. */
  readonly compression: readonly ContentEncoding[]
}

/** As Content-Encoding names them (RFC 8878, RFC 7932, RFC 1952). */
export type ContentEncoding = 'zstd' | 'br' | 'gzip'

export interface ListenerPlan {
  readonly name: string
  /** Absent: all addresses, IPv4 and IPv6. */
  readonly host?: string
  /** 0: any free port, chosen when it starts. */
  readonly port: number
  readonly tls: boolean
  /** The version of the PROXY header that every connection begins with; absent: none does. */
  readonly proxyProtocol?: 'v1' | 'v2' | 'any'
  /** The value of Strict-Transport-Security on its answers; absent: none is added. */
  readonly hsts?: string
  /** Absent: clients are not asked for a certificate. */
  readonly clientCertificates?: ClientCertificatesPlan
  /** Whether it answers the paths of the gateway's health. */
  readonly health: boolean
  readonly position: SourcePosition
}

export interface AccessLogPlan {
  /** Path patterns whose requests are not logged. */
  readonly skip: readonly string[]
}

/** How a TLS listener authenticates clients. */
export interface ClientCertificatesPlan {
  /** Absolute path of a PEM file with the CAs that are accepted. */
  readonly ca: string
  /** False: a client may come without a certificate. */
  readonly required: boolean
  /** Lower-case names of the headers that describe the certificate to upstreams. */
  readonly headers: {
    readonly subject: string
    readonly fingerprint: string
    readonly certificate?: string
  }
}

/** Paths of the health endpoints for load balancers and orchestrators, on listeners with `health`. */
export interface HealthPlan {
  /** 200 for as long as a gateway thread can answer at all. */
  readonly live: string
  /** 200 until the gateway is about to stop, then 503: send no more requests. */
  readonly ready: string
}

/** How the gateway's own errors look to clients; their cause is only logged. */
export interface ErrorsPlan {
  /** `auto`: JSON, HTML or plain text, whichever the client accepts by name; plain text if it names none. */
  readonly format: 'auto' | 'json' | 'plain'
}

/** How a request gets its id. */
export interface RequestIdPlan {
  /** Name of the header, in lower case. */
  readonly header: string
  /** `uuid-v4`: keeps a client's id if it is a UUID v4; `none`: always generates one. */
  readonly accept: 'uuid-v4' | 'none'
  /** The id to use if the client sends none that is accepted; absent: a new one. */
  readonly invalid?: string
  /** Lower-case name of the header for a second id, always generated here. */
  readonly internal?: string
}
