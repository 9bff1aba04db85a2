/** A route as the plan has it: which requests it takes, and what answers them. */
import type { SourcePosition } from '../../config/diagnostics.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { GuardsPlan } from './guards.ts'
import type { HeadersPlan, RequestHeadersPlan } from './headers.ts'

export interface RoutePlan {
  /** How logs and `gatehouse plan` name it, for example `/api/* → backend`. */
  readonly label: string
  readonly match: RouteMatch
  readonly handler: HandlerPlan
  readonly guards: GuardsPlan
  /** Its response headers replace those of the gateway, on errors of the gateway too. */
  readonly ownHeaders?: true
  /** The upstream treats `%2F` and `%5C` as parts of names and gets them unchanged. */
  readonly encodedSlashes?: 'keep'
  /** Absent: the path is used as it was matched. */
  readonly rewrite?: RewritePlan
  /** What upstreams get: the gateway's request headers overridden by this route's, and the headers that either keeps. */
  readonly request: RequestHeadersPlan
  /** The gateway's response headers overridden by this route's. */
  readonly response: HeadersPlan
  readonly position: SourcePosition
}

/** Each absent part matches everything; several values in one part are alternatives. */
export interface RouteMatch {
  readonly listeners?: readonly string[]
  /** Lower case, without port; `*.example.com` matches one label or more. */
  readonly hosts?: readonly string[]
  /** See plan/patterns/path-pattern.ts. */
  readonly paths?: readonly string[]
  /** Upper case; GET is HEAD as well (see plan/patterns/methods.ts). */
  readonly methods?: readonly string[]
  /** All of them must match. `name` in lower case; see plan/patterns/value-pattern.ts. */
  readonly headers?: readonly { readonly name: string; readonly pattern: string }[]
}

export type HandlerPlan = ProxyPlan | FilesPlan | FilePlan | RedirectPlan | RespondPlan | PluginPlan

export type ProxyPlan = OriginProxyPlan | UpstreamProxyPlan

export interface OriginProxyPlan {
  readonly kind: 'proxy'
  /**
   * `scheme://host:port` without a path (shared/net/origin-scheme.ts), or `unix:/path`. `{port}` is the current port of
   * its process.
   */
  readonly origin: string
  /** The supervised process behind it, whose state decides whether to dial it at all. */
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
  /** From the end of the request to the head of the response. */
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

/** A fixed response. */
export interface RespondPlan {
  readonly kind: 'respond'
  readonly status: number
  readonly body: string
}

export interface RedirectPlan {
  readonly kind: 'redirect'
  /** May contain placeholders (see placeholders.ts): {host} is without port, {uri} path and query. */
  readonly to: string
  readonly status: 301 | 302 | 303 | 307 | 308
  /** Ask the client to close the connection afterwards. */
  readonly close: boolean
}

/** A Fastify plugin of the user's own, which runs in the gateway threads. */
export interface PluginPlan {
  readonly kind: 'plugin'
  /** Absolute path of a JavaScript or TypeScript file. */
  readonly file: string
  /** As it is written in the config file, for messages. */
  readonly name: string
  readonly position: SourcePosition
  /** Texts, lists and mappings. They may contain secrets. */
  readonly options: Readonly<Record<string, unknown>>
  /** From the end of the request to the head of the response. */
  readonly timeout: Milliseconds
}

/** How a route changes the path before it is forwarded or opened. The query stays as it came. */
export interface RewritePlan {
  /** Whole segments taken from the front, without a slash at the end; other paths stay as they are. */
  readonly stripPrefix?: string
  /** Replaces the path that is left then, which `{path}` refers to. */
  readonly path?: string
}
