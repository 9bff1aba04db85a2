import type { AccessLog } from '../../telemetry/access-log.ts'
import type { Generations } from '../generations.ts'
import type { Heartbeat } from '../heartbeat.ts'
import type { Http1Request, UpgradeRequest } from '../listen/http1/request.ts'
import type { Http1Response } from '../listen/http1/response.ts'
import type { Listener } from '../listen/listener.ts'
import { answerServerOptions } from '../listen/server-options.ts'
import type { Challenges } from '../listen/tls/challenges.ts'
import { sendError } from '../response/respond.ts'
import { type Arrival, admit } from './admit.ts'
import { attachExchange, type Exchange, exchangeOf, type GatewayRequest, type GatewayResponse } from './exchange.ts'
import { closeAfterAnswer, type InFlight } from './in-flight.ts'
import type { Meter } from './meter.ts'
import { recordOf } from './record.ts'
import type { Refusal } from './refusal.ts'

export interface LifecycleParts {
  readonly generations: Generations
  /** Listeners that accept no more. */
  readonly closing: ReadonlySet<Listener>
  readonly challenges: Challenges
  readonly inFlight: InFlight
  readonly meter: Meter
  readonly heartbeat: Pick<Heartbeat, 'progressed'>
}

/** What happens to every request, from a listener's event to the line in the access log. */
export class RequestLifecycle {
  readonly #generations: Generations
  readonly #closing: ReadonlySet<Listener>
  readonly #challenges: Challenges
  readonly #inFlight: InFlight
  readonly #meter: Meter
  readonly #heartbeat: Pick<Heartbeat, 'progressed'>

  constructor({ generations, closing, challenges, inFlight, meter, heartbeat }: LifecycleParts) {
    this.#generations = generations
    this.#closing = closing
    this.#challenges = challenges
    this.#inFlight = inFlight
    this.#meter = meter
    this.#heartbeat = heartbeat
  }

  readonly request = (
    listener: Listener,
    request: GatewayRequest,
    response: GatewayResponse,
    refusal?: Refusal,
  ): void => this.#begin(listener, { request, response, ...(refusal && { refusal }) })

  readonly upgrade = (
    listener: Listener,
    request: Http1Request,
    response: Http1Response,
    upgrade: UpgradeRequest,
  ): void => this.#begin(listener, { request, response, upgrade })

  readonly brokenBody = (request: Http1Request, { status, cause }: Refusal): void => {
    const exchange = exchangeOf(request)
    if (!exchange.response.writableEnded) sendError(exchange, status, cause, ['connection', 'close'])
  }

  #begin(listener: Listener, carried: Pick<Arrival, 'request' | 'response' | 'upgrade' | 'refusal'>): void {
    const { current } = this.#generations
    if (!current) {
      carried.response.destroy() // a port of the very first plan, opened before the others were
      return
    }
    // Read at once: a closed socket no longer knows its peer.
    const peer = listener.peerOf(carried.request.socket)
    const { exchange, refusal } = admit({ ...carried, peer, listener: listener.plan, generation: current.generation })
    this.#heartbeat.progressed()
    this.#inFlight.add(exchange)
    current.begin(exchange)
    this.#meter.began(exchange)
    this.#watchEnd(exchange, current.log, listener)
    if (this.#closing.has(listener)) closeAfterAnswer(exchange)
    attachExchange(exchange)
    if (refusal) refuse(exchange, refusal)
    else if (!answerServerOptions(exchange))
      this.#challenges.answer(exchange, () => current.generation.answer(exchange))
  }

  #watchEnd(exchange: Exchange, log: AccessLog, listener: Listener): void {
    const { response, upgrade } = exchange
    response.on('error', () => {}) // a write to a client that just left; 'close' follows
    const ended = () => {
      const clientGone = exchange.failure === undefined && exchange.kind !== 'tunnel' && !exchange.answeredInFull
      if (!exchange.end(clientGone)) return
      this.#heartbeat.progressed()
      this.#inFlight.remove(exchange)
      const record = recordOf(exchange, clientGone)
      log(record)
      this.#meter.ended(exchange, record)
      if (this.#closing.has(listener)) listener.closeIdle()
    }
    if (upgrade) upgrade.socket.on('close', ended)
    // After a failed upgrade the connection lingers, so the exchange ends with its answer.
    response.on(upgrade ? 'finish' : 'close', ended)
  }
}

function refuse(exchange: Exchange, refusal: Refusal): void {
  // RFC 9112 §2.2: what follows a request that was not understood cannot be distinguished from its body.
  sendError(exchange, refusal.status, refusal.cause, exchange.protocol === 'h1' ? ['connection', 'close'] : [])
}
