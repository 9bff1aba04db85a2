/** What a request must pass before anything answers it, and what one client may take of us. */
import type { RedisAddress } from '../../config/schema/gateway/rate-limit-store.ts'
import type { Bytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'

/** What holds for connections and heads, before any route is known. */
export interface LimitsPlan {
  /** Names and values of a request's header fields together with its target. */
  readonly requestHeaders: Bytes
  /** Names and values of the fields of an answer, of an upstream or an auth service, together with its status line. */
  readonly answerHeaders: Bytes
  /** From the start of a head to its end. */
  readonly headerTimeout: Milliseconds
  /** How long a connection without a request stays open. */
  readonly idleTimeout: Milliseconds
  /** How long a body under way, of a request or an answer, may stand still. */
  readonly stallTimeout: Milliseconds
  /** Open at one time, over all listeners and threads. */
  readonly connections: number
  /** To one target, over all threads; answers without an end of their own and tunnels do not count. */
  readonly connectionsPerTarget: number
}

/** The guards of a route, with the gateway's own already in them. */
export interface GuardsPlan {
  /** Longest body of a request. */
  readonly requestBody: Bytes
  /** A client must pass all of them: those of the gateway, then those of the route. */
  readonly addresses: readonly AddressRulesPlan[]
  /** Absent: as many requests as the client likes. */
  readonly rateLimit?: RateLimitPlan
  /** Absent: everyone. */
  readonly auth?: BasicAuthPlan | ForwardAuthPlan
}

/** Name of a user → SHA-256 of the password in hex; null: it is generated at the start. */
export type PasswordHashes = Readonly<Record<string, string | null>>

export interface BasicAuthPlan {
  readonly kind: 'basic'
  /** Those who may pass; each has a password in `GatewayPlan.users`. */
  readonly users: readonly string[]
}

export interface ForwardAuthPlan {
  readonly kind: 'forward'
  /** Who is asked. */
  readonly url: string
  /** Names in lower case of headers that go from its answer into the request. */
  readonly copy: readonly string[]
  readonly timeout: Milliseconds
}

/** Ranges as `address/prefix`. */
export interface AddressRulesPlan {
  /** Absent: everyone. */
  readonly allow?: readonly string[]
  /** Counts before `allow`. */
  readonly deny?: readonly string[]
}

export interface RateLimitPlan {
  /** So many within a window, which begins with the first of them. */
  readonly requests: number
  readonly window: Milliseconds
  readonly by: RateLimitKeyPlan
  /** Whether the requests of all routes without a limit of their own are counted together. */
  readonly of: 'gateway' | 'route'
}

/** A Redis that counts for all replicas. */
export interface RateLimitStorePlan extends RedisAddress {
  /** Absolute path of the authorities that may have signed its certificate. Absent: those of the system. */
  readonly ca?: string
}

export type RateLimitKeyPlan =
  | { readonly kind: 'client' }
  /** `name` in lower case. */
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string }

/** `host:port`: all of the store's URL that may be shown. */
export function storeAddress({ host, port }: RateLimitStorePlan): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
