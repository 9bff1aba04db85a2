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
  /** Whose X-Forwarded-* and PROXY headers are believed: ranges written `address/prefix`. */
  readonly trustedProxies: readonly string[]
  readonly requestId: RequestIdPlan
  readonly limits: LimitsPlan
  readonly users: PasswordHashes
  /** For requests that no route matches; each route has its own. */
  readonly guards: GuardsPlan
  /** Absolute path of the folder in which replicas leave what ACME servers look for; absent: nobody looks. */
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
  /** Absent: clients are not asked for one. */
  readonly clientCertificates?: ClientCertificatesPlan
  /** Whether it answers the paths of the gateway's health. */
  readonly health: boolean
  readonly position: SourcePosition
}

export interface AccessLogPlan {
  /** Path patterns whose requests are not logged. */
  readonly skip: readonly string[]
}

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

/** Paths by which load balancers and orchestrators ask how the gateway is, on listeners that want them. */
export interface HealthPlan {
  /** 200 for as long as a gateway thread can answer at all. */
  readonly live: string
  /** 200 until the gateway is about to stop, then 503: send no more requests. */
  readonly ready: string
}

/** How errors of our own look to clients; the cause of one is told to our log alone. */
export interface ErrorsPlan {
  /** `auto`: what the client asks for by name of JSON, HTML and plain text, and plain text where it names none of them. */
  readonly format: 'auto' | 'json' | 'plain'
}

/** How a request gets its name. */
export interface RequestIdPlan {
  /** Name of the header, in lower case. */
  readonly header: string
  /** `uuid-v4`: a client's own id is kept if it is one; `none`: always minted. */
  readonly accept: 'uuid-v4' | 'none'
  /** What client and upstream read where the client sent no id that is accepted; absent: a new one. */
  readonly invalid?: string
  /** Name of the header, in lower case, for a second id that is always ours. */
  readonly internal?: string
}
