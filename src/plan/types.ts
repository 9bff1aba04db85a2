/**
 * The plan: what was asked for, resolved. Every default is filled in, every path absolute, every duration in
 * milliseconds, every reference checked. It is deeply frozen, and plain data, so that slices of it
 * can be sent to a thread as they are.
 */
import type { SourcePosition } from '../config/diagnostics.ts'
import type { Milliseconds } from '../shared/duration.ts'
import type { CertificatePlan } from './certificates.ts'
import type { ErrorsPlan } from './errors.ts'
import type { GuardsPlan, LimitsPlan, PasswordHashes, RateLimitStorePlan } from './guards.ts'
import type { HeadersPlan, RequestHeadersPlan } from './headers.ts'
import type { HealthPlan } from './health.ts'
import type { HookPlan } from './hooks.ts'
import type { ClientCertificatesPlan } from './listener-tls.ts'
import type { LogFilesPlan } from './output.ts'
import type { ProcessPlan } from './processes.ts'
import type { RequestIdPlan } from './request-id.ts'
import type { RewritePlan } from './rewrite.ts'
import type { TrustStorePlan } from './trust-stores.ts'
import type { UpstreamPlan } from './upstreams.ts'

export type * from './certificates.ts'
export type * from './output.ts'
export type * from './probes.ts'
export type * from './processes.ts'
export type { GuardsPlan, LimitsPlan, RequestIdPlan, SourcePosition }

export interface Plan {
  /** Absolute path of the config file. */
  readonly file: string
  /** In dependency order: each process stands behind all it depends on. */
  readonly processes: readonly ProcessPlan[]
  readonly hooks: readonly HookPlan[]
  readonly gateway: GatewayPlan
  readonly certificates: readonly CertificatePlan[]
  readonly trustStores: readonly TrustStorePlan[]
  /** Absolute path of the folder in which certificates and other state are kept. */
  readonly storage: string
  readonly control: ControlPlan
  /**
   * Absolute path of this user's folder below that for temporary files, if storage or socket are in it: whoever else may write there
   * could have made it first, so it must be looked at before it is used.
   */
  readonly ownFolder?: string
  readonly shutdown: ShutdownPlan
  readonly log: LogPlan
  /** Absent: none are served. */
  readonly metrics?: MetricsPlan
}

/** Where Prometheus finds them. Without host on all addresses; port 0 is any free one. */
export interface MetricsPlan {
  readonly host?: string
  readonly port: number
}

export interface ControlPlan {
  /** Absolute path of the Unix socket. */
  readonly socket: string
}

export interface ShutdownPlan {
  /** The time the whole stop may take: requests in flight first, then processes in reverse order. */
  readonly budget: Milliseconds
  /** How much of it is waited, with readiness at 503, before connections are refused: load balancers look in turns. */
  readonly deregistrationDelay: Milliseconds
}

export interface LogPlan {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** `auto` is text on a terminal and JSON elsewhere. */
  readonly format: 'auto' | 'json' | 'text'
  /** Absent: what processes write goes to stdout only. */
  readonly files?: LogFilesPlan
}

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

export interface RoutePlan {
  /** How logs and `gatehouse plan` name it, for example `/api/* → backend`. */
  readonly label: string
  readonly match: RouteMatch
  readonly handler: HandlerPlan
  readonly guards: GuardsPlan
  /** Its response headers are on errors of the gateway, too, and nothing of the gateway's own is in them. */
  readonly ownHeaders?: true
  /** Whether its upstream takes `%2F` and `%5C` for parts of names, and wants them as they came. */
  readonly encodedSlashes?: 'keep'
  /** Absent: the path is used as it was matched. */
  readonly rewrite?: RewritePlan
  /** What upstreams get: the gateway's request headers with this route's own laid over them, and what either keeps. */
  readonly request: RequestHeadersPlan
  /** The gateway's response headers with this route's own laid over them. */
  readonly response: HeadersPlan
  readonly position: SourcePosition
}

/** Each absent part matches everything; several values in one part are alternatives. */
export interface RouteMatch {
  readonly listeners?: readonly string[]
  /** Lower case, without port; `*.example.com` matches one label or more. */
  readonly hosts?: readonly string[]
  /** See plan/path-pattern.ts. */
  readonly paths?: readonly string[]
  /** Upper case; GET is HEAD as well (see plan/methods.ts). */
  readonly methods?: readonly string[]
  /** All of them must match. `name` in lower case; see plan/value-pattern.ts. */
  readonly headers?: readonly { readonly name: string; readonly pattern: string }[]
}

export type HandlerPlan = ProxyPlan | FilesPlan | FilePlan | RedirectPlan | RespondPlan

export type ProxyPlan = OriginProxyPlan | UpstreamProxyPlan

export interface OriginProxyPlan {
  readonly kind: 'proxy'
  /** `http://host:port` or `https://host:port`, no path, or `unix:/path`. `{port}` in it: that of its process, as it is at the moment. */
  readonly origin: string
  /** The supervised process behind it, whose state decides whether it is dialled at all. */
  readonly process?: string
  readonly timeouts: ProxyTimeouts
}

export interface UpstreamProxyPlan {
  readonly kind: 'proxy'
  /** Name of an entry of `GatewayPlan.upstreams`. */
  readonly upstream: string
  readonly timeouts: ProxyTimeouts
}

export interface ProxyTimeouts {
  /** For a connection, its TLS handshake included. */
  readonly connect: Milliseconds
  /** From the end of the request to the head of the answer. */
  readonly response: Milliseconds
}

export interface FilesPlan {
  readonly kind: 'files'
  /** Absolute path of the folder. */
  readonly root: string
  /** True: a request for which no such file exists falls through to the next route. */
  readonly existingOnly: boolean
  /** Paths relative to the root that this route does not serve (they fall through, or are not found). */
  readonly except: readonly string[]
  /** File relative to the root, served with 200 where none exists (single-page applications). */
  readonly fallback?: string
  /** Value of Cache-Control on files found; never on errors. */
  readonly cacheControl?: string
  readonly render?: RenderPlan
}

/** `{{env "NAME"}}` in these files becomes the variable's value, or nothing. */
export interface RenderPlan {
  /** Paths relative to the root. */
  readonly files: readonly string[]
  /** The variables that may be used, with their values: only those that the config's pattern allows. */
  readonly variables: Readonly<Record<string, string>>
}

export interface FilePlan {
  readonly kind: 'file'
  /** Absolute path. */
  readonly path: string
}

/** An answer that stands in the file. */
export interface RespondPlan {
  readonly kind: 'respond'
  readonly status: number
  readonly body: string
}

export interface RedirectPlan {
  readonly kind: 'redirect'
  /** May hold placeholders (see placeholders.ts): {host} is without port, {uri} path and query. */
  readonly to: string
  readonly status: 301 | 302 | 303 | 307 | 308
  /** Ask the client to close the connection afterwards. */
  readonly close: boolean
}
