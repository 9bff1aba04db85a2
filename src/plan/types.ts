/**
 * The plan: what was asked for, resolved. Every default is filled in, every path absolute, every duration in
 * milliseconds, every reference checked. It is deeply frozen, and plain data, so that slices of it
 * can be sent to a thread as they are.
 */
import type { SourcePosition } from '../config/diagnostics.ts'
import type { Milliseconds } from '../shared/duration.ts'
import type { GuardsPlan, LimitsPlan } from './guards.ts'

export type { GuardsPlan, LimitsPlan, SourcePosition }

export interface Plan {
  /** Absolute path of the config file. */
  readonly file: string
  /** In dependency order: each process stands behind all it depends on. */
  readonly processes: readonly ProcessPlan[]
  readonly gateway: GatewayPlan
  readonly certificates: readonly CertificatePlan[]
  /** Absolute path of the folder in which certificates and other state are kept. */
  readonly storage: string
  readonly control: ControlPlan
  readonly shutdown: ShutdownPlan
  readonly log: LogPlan
}

export interface ControlPlan {
  /** Absolute path of the Unix socket. */
  readonly socket: string
}

export interface ShutdownPlan {
  /** The time the whole stop may take: requests in flight first, then processes in reverse order. */
  readonly budget: Milliseconds
}

export interface LogPlan {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** `auto` is text on a terminal and JSON elsewhere. */
  readonly format: 'auto' | 'json' | 'text'
}

export interface ProcessPlan {
  readonly name: string
  /** A service should run for ever; a task runs to its end once. */
  readonly kind: 'service' | 'task'
  /** Program and arguments, at least one; `{port}` is already replaced. Never passed through a shell. */
  readonly command: readonly string[]
  /** Absolute working directory. */
  readonly directory: string
  /** The whole environment of the child. Holds secrets: never logged, never part of a status. */
  readonly environment: Readonly<Record<string, string>>
  /** The TCP port on 127.0.0.1 on which it serves; also `PORT` in its environment. */
  readonly port?: number
  /** Only processes that are part of this plan: one that `when` excludes counts as satisfied. */
  readonly dependsOn: readonly Dependency[]
  /** Absent: ready as soon as it was spawned (a task: as soon as it completed). */
  readonly ready?: ReadinessProbe
  readonly restart: RestartPolicy
  /** If it becomes fatal, everything stops and Gatehouse exits non-zero. */
  readonly essential: boolean
  readonly stop: StopPolicy
  readonly position: SourcePosition
}

export type DependencyCondition = 'started' | 'ready' | 'completed'

export interface Dependency {
  readonly process: string
  readonly condition: DependencyCondition
}

export type ReadinessProbe = ProbeTiming & ProbeCheck

export interface ProbeTiming {
  /** Pause between two attempts. */
  readonly every: Milliseconds
  /** Longest wait for one attempt. */
  readonly timeout: Milliseconds
  /** Not ready this long after the start counts as a crash. */
  readonly deadline: Milliseconds
}

export type ProbeCheck =
  /** Ready at any status from 200 to 399; redirects are not followed. */
  | { readonly kind: 'http'; readonly url: string }
  /** Ready when a connection is accepted. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** Ready when the command exits 0; it runs with the process's directory and environment. */
  | { readonly kind: 'exec'; readonly command: readonly string[] }
  /** Ready when a line of stdout or stderr matches this regular expression; `every` and `timeout` do not apply. */
  | { readonly kind: 'log'; readonly pattern: string }

export interface RestartPolicy {
  /** `on-failure`: not after exit 0 (nor after 143 or SIGTERM when we asked for it). */
  readonly policy: 'always' | 'on-failure' | 'never'
  readonly backoff: {
    /** Pause before the first restart after it had been ready. */
    readonly first: Milliseconds
    /** Pause before the next; doubles each time, with jitter. */
    readonly next: Milliseconds
    readonly max: Milliseconds
  }
  /** So many failures within so long, without having been ready in between, make it fatal. */
  readonly giveUp: { readonly failures: number; readonly within: Milliseconds }
}

export interface StopPolicy {
  readonly signal: NodeJS.Signals
  /** Time between the signal to the process group and SIGKILL. */
  readonly grace: Milliseconds
}

export interface GatewayPlan {
  /** `auto`: as many as fit the CPUs of the machine it runs on. */
  readonly threads: 'auto' | number
  readonly listeners: readonly ListenerPlan[]
  /** In the order of the file: the first that matches wins. */
  readonly routes: readonly RoutePlan[]
  readonly requestId: RequestIdPlan
  readonly limits: LimitsPlan
  /** For requests that no route matches; each route has its own. */
  readonly guards: GuardsPlan
  readonly response: ResponsePlan
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
  readonly position: SourcePosition
}

export interface RequestIdPlan {
  /** Name of the header, in lower case. */
  readonly header: string
  /** `uuid-v4`: a client's own id is kept if it is one; `none`: always minted. */
  readonly accept: 'uuid-v4' | 'none'
}

export interface ResponsePlan {
  /** Lower-case name → value to set, or null to remove. */
  readonly headers: Readonly<Record<string, string | null>>
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
  /** The gateway's response headers with this route's own laid over them. */
  readonly response: ResponsePlan
  readonly position: SourcePosition
}

/** Each absent part matches everything; several values in one part are alternatives. */
export interface RouteMatch {
  readonly listeners?: readonly string[]
  /** Lower case, without port; `*.example.com` matches one label or more. */
  readonly hosts?: readonly string[]
  /** See plan/path-pattern.ts. */
  readonly paths?: readonly string[]
  /** Upper case; GET includes HEAD only if HEAD is named too. */
  readonly methods?: readonly string[]
}

export type HandlerPlan = ProxyPlan | FilesPlan | FilePlan | RedirectPlan

export interface ProxyPlan {
  readonly kind: 'proxy'
  /** `http://host:port` or `https://host:port`, no path. */
  readonly origin: string
  /** The supervised process behind it, whose state decides whether it is dialled at all. */
  readonly process?: string
  readonly timeouts: { readonly connect: Milliseconds; readonly response: Milliseconds }
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

export interface RedirectPlan {
  readonly kind: 'redirect'
  /** With the placeholders {host} (no port), {uri} (path and query), {path}, {scheme}. */
  readonly to: string
  readonly status: 301 | 302 | 303 | 307 | 308
  /** Ask the client to close the connection afterwards. */
  readonly close: boolean
}

export interface CertificatePlan {
  /** Lower-case names; `*.example.com` stands for one label. */
  readonly domains: readonly string[]
  /** In order of preference: the first that can serve does. */
  readonly use: readonly CertificateSourcePlan[]
  readonly position: SourcePosition
}

export type CertificateSourcePlan =
  /** `anyName`: also served for names that no certificate covers. */
  | { readonly kind: 'files'; readonly certificate: string; readonly key: string; readonly anyName: boolean }
  | { readonly kind: 'internal' }
