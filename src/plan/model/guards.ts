/** What a request must pass before a handler runs, and the limits of one client. */
import type { RedisAddress } from '../../config/schema/gateway/rate-limit-store.ts'
import type { Bytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'

/** What holds for connections and heads, before any route is known. */
export interface LimitsPlan {
  /** Size of the names and values of a request's header fields, with its target. */
  readonly requestHeaders: Bytes
  /** Size of the names and values of a response's fields, of an upstream or auth service, with its status line. */
  readonly answerHeaders: Bytes
  /** From the start of a head to its end. */
  readonly headerTimeout: Milliseconds
  /** How long a connection without a request stays open. */
  readonly idleTimeout: Milliseconds
  /** How long a body, of a request or a response, may stall. */
  readonly stallTimeout: Milliseconds
  /** Maximum open connections over all listeners and threads. */
  readonly connections: number
  /** Maximum connections to one target over all threads, not counting event streams and tunnels. */
  readonly connectionsPerTarget: number
}

/** The guards of a route, with the gateway's own already in them. */
export interface GuardsPlan {
  /** Maximum size of a request body. */
  readonly requestBody: Bytes
  /** A client must pass all of them: those of the gateway, then those of the route. */
  readonly addresses: readonly AddressRulesPlan[]
  /** Absent: no limit. */
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
  /** URL of the auth service. */
  readonly url: string
  /** Lower-case names of the headers copied from its response to the request. */
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
  /** Requests allowed within a window, which begins with the first of them. */
  readonly requests: number
  readonly window: Milliseconds
  readonly by: RateLimitKeyPlan
  /** Whether the requests of all routes without a limit of their own are counted together. */
  readonly of: 'gateway' | 'route'
}

/** A Redis that counts for all replicas. */
export interface RateLimitStorePlan extends RedisAddress {
  /** Absolute path of a PEM file with the CAs to trust. Absent: those of the system. */
  readonly ca?: string
}

export type RateLimitKeyPlan =
  | { readonly kind: 'client' }
  /** `name` in lower case. */
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string }

/** `host:port`: the part of the store's URL that is not secret. */
export function storeAddress({ host, port }: RateLimitStorePlan): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
