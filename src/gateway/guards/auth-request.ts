/** One request to an auth service, and the verdict of its answer. */

import type { Socket } from 'node:net'
import type { Bytes } from '../../shared/bytes.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import type { AnswerHead } from '../proxy/client/answer-head.ts'
import type { Connection } from '../proxy/client/connection.ts'
import type { ConnectionPool } from '../proxy/client/connection-pool.ts'
import type { Waiter } from '../proxy/client/dialling.ts'
import { UpstreamTimeout } from '../proxy/client/faults.ts'
import type { Transaction } from '../proxy/client/transaction.ts'
import type { Exchange } from '../request/exchange.ts'
import { answerFields } from '../response/answer-fields.ts'
import { cutAnswer, sendHead } from '../response/respond.ts'
import { isBroken } from '../upstream/faults.ts'
import type { Verdict } from './guard.ts'

/** Unused bodies are read up to this length and for this time, so that their connection can be reused. */
const maxDiscarded: Bytes = 64_000
const maxDiscardTime: Milliseconds = 1_000

export interface AuthRequestOptions {
  readonly exchange: Exchange
  /** As `requestHead` makes it, for a GET. */
  readonly head: string
  /** For the head of the answer. */
  readonly timeout: Milliseconds
  readonly pool: ConnectionPool
  /** Called if the service lets the request pass, with the fields of its answer. */
  allowed(fields: readonly string[]): void
}

/** Asks the service. A 2xx lets the request pass, any other answer is relayed, no answer denies it. Never rejects. */
export function sendAuthRequest(options: AuthRequestOptions): Promise<Verdict> {
  return new Promise((resolve) => new AuthRequest(options, resolve).acquire(false))
}

class AuthRequest implements Waiter, Transaction {
  readonly #options: AuthRequestOptions
  readonly #settle: (verdict: Verdict) => void
  /** Bounds the wait for the head; later that for the end of a discarded body. */
  #timer: NodeJS.Timeout | undefined
  #connection: Connection | undefined
  #retried = false
  /** What is done with the answer's body. */
  #body: 'relayed' | 'dropped' = 'dropped'
  #dropped: Bytes = 0
  #answered = false

  constructor(options: AuthRequestOptions, settle: (verdict: Verdict) => void) {
    this.#options = options
    this.#settle = settle
    this.#timer = setTimeout(() => this.#deny(new UpstreamTimeout('no answer within the timeout')), options.timeout)
    options.exchange.onAbandoned(() => {
      this.#leave()
      settle('answered')
    })
  }

  /** `fresh`: on a new connection. */
  acquire(fresh: boolean): void {
    this.#options.pool.acquire(this, { fresh })
  }

  onConnection(connection: Connection): void {
    const { head, timeout, exchange } = this.#options
    const { answerHeaders: headLimit } = exchange.generation.plan.limits
    this.#connection = connection
    connection.send({ head, method: 'GET', headLimit, timeout }, this, false)
  }

  onNoConnection(error: Error): void {
    this.#deny(error)
  }

  onHead({ status, fields }: AnswerHead): void {
    this.#stopWaiting()
    this.#answered = true
    if (neverRelayed.has(status)) {
      this.#leave()
      this.#settle({ status: 502, cause: `auth service: unexpected status ${status}` })
      return
    }
    const own = answerFields(fields)
    if (status >= 200 && status <= 299) {
      this.#options.allowed(own)
      this.#settle('pass')
    } else {
      this.#relay(status, own)
    }
  }

  onBody(chunk: Buffer): void {
    if (this.#body === 'dropped') {
      this.#dropped += chunk.length
      if (this.#dropped > maxDiscarded) this.#leave()
      return
    }
    const { exchange } = this.#options
    exchange.bytesSent += chunk.length
    if (!exchange.response.write(chunk)) this.#connection?.pause()
  }

  onEnd(): void {
    this.#stopWaiting()
    this.#connection = undefined
    if (this.#body === 'relayed') this.#options.exchange.response.end()
  }

  onError(error: Error): void {
    const connection = this.#connection
    this.#connection = undefined
    const { exchange } = this.#options
    if (this.#answered) {
      this.#stopWaiting()
      if (this.#body === 'relayed' && !exchange.over) cutAnswer(exchange, `auth service: ${messageOf(error)}`)
    } else if (connection?.reused && !connection.answerBegun && isBroken(error) && !this.#retried) {
      this.#retried = true
      this.acquire(true)
    } else {
      this.#deny(error)
    }
  }

  /** Interim answers of the auth service are not for the client. */
  onInterim(): void {}

  /** A discarded body that does not end must not hold one of the few connections to the service. */
  onPause(): void {
    if (this.#answered && this.#body === 'dropped')
      this.#timer ??= setTimeout(() => this.#leave(), maxDiscardTime).unref()
  }

  onDrain(): void {}

  onBodyRefused(): void {}

  /** Not reached: the request asks for no upgrade. */
  onUpgrade(_head: AnswerHead, socket: Socket): void {
    socket.destroy()
  }

  /** Sends an answer other than 2xx to the client: a challenge, or a redirect to a login page. */
  #relay(status: number, fields: readonly string[]): void {
    const { exchange } = this.#options
    const { response, request } = exchange
    const close = exchange.upgrade ? ['connection', 'close'] : []
    try {
      sendHead(exchange, status, [...fields, ...close])
    } catch (error) {
      this.#leave()
      this.#settle({ status: 502, cause: `auth service: cannot send on its headers: ${messageOf(error)}` })
      return
    }
    this.#settle('answered')
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    this.#body = 'relayed'
    exchange.relayed = true
    response.on('drain', () => this.#connection?.resume())
  }

  #deny(error: Error): void {
    this.#leave()
    this.#settle({ status: statusOf(error), cause: `auth service: ${messageOf(error)}` })
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #leave(): void {
    this.#stopWaiting()
    if (this.#connection) this.#connection.destroy()
    else this.#options.pool.cancel(this)
    this.#connection = undefined
  }
}

/**
 * Answers to a range or a condition (RFC 9110 §15.3.7, §15.4.5), which the request to the service does not have. If
 * relayed, they would tell the client that its copy of the guarded resource is still valid.
 */
const neverRelayed: ReadonlySet<number> = new Set([206, 304])

const unreachable = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'POOL_EXHAUSTED',
])

/** 503 if the service was unreachable or took too long; 502 if its answer was invalid. */
function statusOf(error: unknown): 502 | 503 {
  return unreachable.has(String((error as { code?: unknown }).code)) ? 503 : 502
}
