import type { GuardsPlan, ListenerPlan, RoutePlan } from '../../plan/model/plan.ts'
import type { Listed } from '../../shared/unordered-list.ts'
import type { StoredFile } from '../files/stored-file.ts'
import type { Http1Request, UpgradeRequest } from '../listen/http1/request.ts'
import type { Http1Response } from '../listen/http1/response.ts'
import type { Http2Request } from '../listen/http2/request.ts'
import type { Http2Response } from '../listen/http2/response.ts'
import type { Http2Stream } from '../listen/http2/stream.ts'
import type { HeaderRules } from '../response/header-rules.ts'
import type { Target } from '../upstream/target.ts'
import type { ExchangeContext } from './exchange-context.ts'
import type { Identity } from './identity.ts'
import type { RequestIds } from './request-id.ts'
import type { RequestTarget, TargetPath } from './target-path.ts'

export type GatewayRequest = Http1Request | Http2Request
/** Where the two differ, see `Exchange.stream` and `Exchange.http1`. */
export type GatewayResponse = Http1Response | Http2Response

/** An answer has an end of its own; a tunnel and an event stream last until one side leaves. */
export type AnswerKind = 'answer' | 'tunnel' | 'events'

/**
 * One request on its way through the gateway, from its head to the end of its answer. It records what was answered,
 * what was cut and which side left first, whichever handler answers.
 */
export class Exchange implements Listed {
  /** In the list of exchanges in flight. */
  place = -1
  readonly started = performance.now()
  readonly request: GatewayRequest
  readonly response: GatewayResponse
  readonly listener: ListenerPlan
  readonly target: RequestTarget
  /** The target in the form that the route accepts, which may be the canonical one. */
  taken: TargetPath
  /** `taken` after the rewrites of the route: the path that is forwarded or opened. */
  inner: TargetPath
  /** As the client wrote it, for the upstream's Host: with its port, if it named one. */
  readonly authority: string
  /** Lower case, without port; empty if the client named none. */
  readonly host: string
  readonly identity: Identity
  readonly ids: RequestIds
  /** Whether a body follows the head. */
  readonly hasBody: boolean
  /** Absent on plain requests. */
  readonly upgrade?: UpgradeRequest
  /** Index of the route that answers; -1 while none is chosen. */
  routeIndex = -1
  /** The file for which a route with `existingOnly` was chosen, so that it is not looked up twice. */
  located: StoredFile | undefined
  /** Bytes of the request's body read so far. */
  bytesReceived = 0
  /** An upstream is reading the request's body. */
  uploading = false
  /** The target that handles the request at the moment. */
  dialled: Target | undefined
  /** Of the answer's head once it is written; 200 before, as in Node. */
  status = 200
  /** Bytes of the body handed to the client so far. */
  bytesSent = 0
  /** The answer's body is that of an auth service, instead of what the route's handler would send. */
  relayed = false
  /** The cause, for the log only, if the gateway cut the answer or answered with an error of its own. */
  failure: string | undefined
  /** Closes the client's side of a tunnel, upon which the client closes too; undefined while this is no tunnel. */
  closeTunnel: (() => void) | undefined
  #kind: AnswerKind = 'answer'
  #generation: ExchangeContext | undefined
  /** What is kept of the generation once the answer has become a tunnel or an event stream. */
  #kept: { readonly route: RoutePlan | undefined; readonly rules: HeaderRules } | undefined
  #replaced: Map<string, string | null> | undefined
  #over = false
  #abandoned = false
  readonly #onAbandoned: (() => void)[] = []
  readonly #onSettled: (() => void)[] = []

  constructor(parts: ExchangeParts) {
    this.request = parts.request
    this.response = parts.response
    this.listener = parts.listener
    this.target = parts.target
    this.taken = parts.target
    this.inner = parts.target
    this.authority = parts.authority
    this.host = parts.host
    this.identity = parts.identity
    this.ids = parts.ids
    this.#generation = parts.generation
    this.upgrade = parts.upgrade
    this.hasBody = announcesBody(parts.request)
  }

  /** Address of the client in canonical form (see trust.ts). */
  get client(): string {
    return this.identity.client
  }

  get requestId(): string {
    return this.ids.requestId
  }

  /** The generation that answers; must not be read after `becomes`. */
  get generation(): ExchangeContext {
    if (!this.#generation) throw new Error('a tunnel or event stream has outlived its generation')
    return this.#generation
  }

  get route(): RoutePlan | undefined {
    return this.#kept ? this.#kept.route : this.generation.plan.routes[this.routeIndex]
  }

  /** The guards of the route; the gateway's own while none is chosen. */
  get guards(): GuardsPlan {
    return this.route?.guards ?? this.generation.plan.guards
  }

  /**
   * The response headers of the route; the gateway's own while none is chosen, and for the gateway's errors unless the
   * route replaces all of them.
   */
  get rules(): HeaderRules {
    if (this.#kept) return this.#kept.rules
    const isOfRoute = this.failure === undefined || this.route?.ownHeaders
    return this.generation.rulesOf(isOfRoute ? this.routeIndex : -1)
  }

  /** The h2 stream that carries this exchange; undefined over h1. */
  get stream(): Http2Stream | undefined {
    return 'stream' in this.response ? this.response.stream : undefined
  }

  /** The response over h2; undefined over h1. */
  get http2(): Http2Response | undefined {
    return 'stream' in this.response ? this.response : undefined
  }

  /** The response over h1; undefined over h2. */
  get http1(): Http1Response | undefined {
    return 'stream' in this.response ? undefined : this.response
  }

  /** The connection, which over h2 carries other exchanges too: a key to count by. */
  get connection(): object {
    return this.stream?.connection ?? this.request.socket
  }

  get protocol(): 'h1' | 'h2' {
    return this.stream ? 'h2' : 'h1'
  }

  /** h1: closed without having been finished; h2: the stream was reset (`writableFinished` is true even then). */
  get answeredInFull(): boolean {
    const { response, stream } = this
    if (stream) return response.writableEnded && !stream.aborted && stream.rstCode === 0
    return response.writableFinished
  }

  get kind(): AnswerKind {
    return this.#kind
  }

  get over(): boolean {
    return this.#over
  }

  /** Request headers that guards have replaced, by name in lower case; null: removed. */
  get replacedHeaders(): ReadonlyMap<string, string | null> | undefined {
    return this.#replaced
  }

  replaceHeader(name: string, value: string | null): void {
    this.#replaced ??= new Map()
    this.#replaced.set(name, value)
  }

  /**
   * Calls back once if the answer ends before it is complete: the client left, or the gateway gave up. At once if it
   * has.
   */
  onAbandoned(callback: () => void): void {
    if (this.#abandoned) callback()
    else this.#onAbandoned.push(callback)
  }

  /** All work for the answer may stop. */
  abandon(): void {
    this.#abandoned = true
    for (const callback of this.#onAbandoned.splice(0)) callback()
  }

  /** Calls back once when the answer is over, or has become a tunnel or an event stream. */
  onSettled(callback: () => void): void {
    this.#onSettled.push(callback)
  }

  /**
   * The answer is a tunnel or an event stream, which may last for days: it keeps nothing of the generation but its
   * route.
   */
  becomes(kind: Exclude<AnswerKind, 'answer'>): void {
    this.#kind = kind
    this.#kept = { route: this.route, rules: this.rules }
    this.#generation = undefined
    this.#settle()
  }

  /** The answer is over; `clientGone` if the client left first. Only the first call counts, and returns true. */
  end(clientGone: boolean): boolean {
    if (this.#over) return false
    this.#over = true
    if (clientGone || this.failure !== undefined) this.abandon()
    this.#settle()
    return true
  }

  #settle(): void {
    for (const callback of this.#onSettled.splice(0)) callback()
  }
}

export interface ExchangeParts {
  readonly request: GatewayRequest
  readonly response: GatewayResponse
  readonly listener: ListenerPlan
  readonly target: RequestTarget
  readonly authority: string
  readonly host: string
  readonly identity: Identity
  readonly ids: RequestIds
  readonly generation: ExchangeContext
  readonly upgrade?: UpgradeRequest
}

export function announcesBody(request: GatewayRequest): boolean {
  if ('stream' in request) return !request.stream.endAfterHeaders
  const length = request.headers['content-length']
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0)
}

const exchangeKey = Symbol('exchange')

/**
 * An error in the middle of a body is reported for its connection; the request on it leads to the exchange
 * (unparsed.ts).
 */
export function attachExchange(exchange: Exchange): void {
  ;(exchange.request as { [exchangeKey]?: Exchange })[exchangeKey] = exchange
}

export function exchangeOf(request: object): Exchange {
  const exchange = (request as { [exchangeKey]?: Exchange })[exchangeKey]
  if (!exchange) throw new Error('a request reached the gateway without an exchange')
  return exchange
}
