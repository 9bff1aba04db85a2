import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { GuardsPlan, ListenerPlan, RoutePlan } from '../../plan/model/plan.ts'
import type { StoredFile } from '../files/stored-file.ts'
import type { HeaderRules } from '../response/header-rules.ts'
import type { Target } from '../upstream/target.ts'
import type { ExchangeContext } from './exchange-context.ts'
import type { Identity } from './identity.ts'
import type { RequestIds } from './request-id.ts'
import type { RequestTarget, TargetPath } from './target-path.ts'

export type GatewayRequest = IncomingMessage | Http2ServerRequest
/** Over h2 this is an Http2ServerResponse, which offers the same calls; where the two differ, `Exchange.stream` tells. */
export type GatewayResponse = ServerResponse

/** A client's wish to upgrade: its socket, which nobody else reads, and what came behind the head. */
export interface UpgradeRequest {
  readonly socket: Socket
  readonly head: Buffer
}

/** An answer has an end of its own; a tunnel and an event stream go on until one side leaves. */
export type AnswerKind = 'answer' | 'tunnel' | 'events'

/**
 * One request on its way through the gateway, from its head to the end of its answer: it knows what was answered, what was cut
 * and who left first, whichever handler answers.
 */
export class Exchange {
  readonly started = performance.now()
  readonly request: GatewayRequest
  readonly response: GatewayResponse
  readonly listener: ListenerPlan
  readonly target: RequestTarget
  /** The target in the form that its route takes it in, which may be the canonical one. */
  taken: TargetPath
  /** What is forwarded or opened: that, after the rewriting of the route. */
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
  /** Index of the route that answers, or -1 while none is chosen. */
  routeIndex = -1
  /** The file that a route for existing files was chosen by, so that it is not looked for twice. */
  located: StoredFile | undefined
  /** Bytes of the request's body read so far. */
  bytesReceived = 0
  /** An upstream is reading the request's body. */
  uploading = false
  /** The target that has the request at the moment. */
  dialled: Target | undefined
  /** Of the answer's head once it is written; as Node's own, 200 before. */
  status = 200
  /** Bytes of the body handed to the client so far. */
  bytesSent = 0
  /** The answer's body is that of an auth service, instead of what the route's handler would send. */
  relayed = false
  /** Set when we end the answer before it is complete, or answer with an error of our own: the cause, for our log only. */
  failure: string | undefined
  /** Takes leave of a tunnel's client, who has then to close as well; undefined while it is none. */
  part: (() => void) | undefined
  #kind: AnswerKind = 'answer'
  #generation: ExchangeContext | undefined
  /** What is left of the generation once the answer has become one without an end. */
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

  /** Address of the client, in its one form (see trust.ts). */
  get client(): string {
    return this.identity.client
  }

  get requestId(): string {
    return this.ids.requestId
  }

  /** The one that answers; to be asked until the answer `becomes` one without an end. */
  get generation(): ExchangeContext {
    if (!this.#generation) throw new Error('an answer without an end has outlived its generation')
    return this.#generation
  }

  get route(): RoutePlan | undefined {
    return this.#kept ? this.#kept.route : this.generation.plan.routes[this.routeIndex]
  }

  /** The guards of the route; the gateway's own while none is chosen. */
  get guards(): GuardsPlan {
    return this.route?.guards ?? this.generation.plan.guards
  }

  /** The response headers of the route; the gateway's own while none is chosen, and on errors of our own unless the route has all of its own. */
  get rules(): HeaderRules {
    if (this.#kept) return this.#kept.rules
    const isOfRoute = this.failure === undefined || this.route?.ownHeaders
    return this.generation.rulesOf(isOfRoute ? this.routeIndex : -1)
  }

  /** The h2 stream that carries this exchange; undefined over h1. */
  get stream(): ServerHttp2Stream | undefined {
    return (this.response as { stream?: ServerHttp2Stream }).stream
  }

  /** What carries this exchange, and over h2 others beside it: to count by, and nothing else. */
  get connection(): object {
    return this.stream?.session ?? this.request.socket
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

  /** Request headers that guards have put in place of the client's own, by name in lower case; null: taken away. */
  get replacedHeaders(): ReadonlyMap<string, string | null> | undefined {
    return this.#replaced
  }

  replaceHeader(name: string, value: string | null): void {
    this.#replaced ??= new Map()
    this.#replaced.set(name, value)
  }

  /** Calls back once if the answer ends before it is complete: the client went away, or we gave up. At once if it has. */
  onAbandoned(callback: () => void): void {
    if (this.#abandoned) callback()
    else this.#onAbandoned.push(callback)
  }

  /** Whoever still works for the answer may stop. */
  abandon(): void {
    this.#abandoned = true
    for (const callback of this.#onAbandoned.splice(0)) callback()
  }

  /** Calls back once when nothing is owed any more: the answer is over, or goes on for as long as both sides like. */
  onSettled(callback: () => void): void {
    this.#onSettled.push(callback)
  }

  /** The head of an answer without an end is made. It may go on for days, and keeps nothing of a generation but its route. */
  becomes(kind: Exclude<AnswerKind, 'answer'>): void {
    this.#kind = kind
    this.#kept = { route: this.route, rules: this.rules }
    this.#generation = undefined
    this.#settle()
  }

  /** The answer is over, in whichever way; `clientGone` if the client left first. Only the first call counts. */
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

/** What breaks in the midst of a body is told of its connection; the request on it leads back to the exchange (unparsed.ts). */
export function attachExchange(exchange: Exchange): void {
  ;(exchange.request as { [exchangeKey]?: Exchange })[exchangeKey] = exchange
}

export function exchangeOf(request: object): Exchange {
  const exchange = (request as { [exchangeKey]?: Exchange })[exchangeKey]
  if (!exchange) throw new Error('a request reached the gateway without an exchange')
  return exchange
}
