/** One request to an auth service, and what its answer means. */

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

/** A body of which nobody reads more than this, and in this time, is read to its end, so that its connection can carry the next question. */
const worthReading: Bytes = 64_000
const worthWaiting: Milliseconds = 1_000

export interface Question {
  readonly exchange: Exchange
  /** As `requestHead` makes it; of a GET. */
  readonly head: string
  /** Until the head of the answer. */
  readonly timeout: Milliseconds
  readonly pool: ConnectionPool
  /** The service says yes, with these fields. */
  yes(fields: readonly string[]): void
}

/** Any other answer is relayed; none is a no. Never rejects. */
export function askService(question: Question): Promise<Verdict> {
  return new Promise((resolve) => new AuthQuestion(question, resolve).ask(false))
}

class AuthQuestion implements Waiter, Transaction {
  readonly #question: Question
  readonly #settle: (verdict: Verdict) => void
  /** Bounds the wait for the head; then that for the end of a body that is thrown away. */
  #timer: NodeJS.Timeout | undefined
  #connection: Connection | undefined
  #retried = false
  /** What becomes of the answer's body. */
  #body: 'relayed' | 'dropped' = 'dropped'
  #dropped: Bytes = 0
  #answered = false

  constructor(question: Question, settle: (verdict: Verdict) => void) {
    this.#question = question
    this.#settle = settle
    this.#timer = setTimeout(() => this.#deny(new UpstreamTimeout('no answer in time')), question.timeout)
    question.exchange.onAbandoned(() => {
      this.#leave()
      settle('answered')
    })
  }

  /** `fresh`: on a connection that no question has used before. */
  ask(fresh: boolean): void {
    this.#question.pool.acquire(this, { fresh })
  }

  onConnection(connection: Connection): void {
    const { head, timeout, exchange } = this.#question
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
    if (speaksOfTheResource.has(status)) {
      this.#leave()
      this.#settle({ status: 502, cause: `auth service: ${status} is neither yes nor no` })
      return
    }
    const own = answerFields(fields)
    if (status >= 200 && status <= 299) {
      this.#question.yes(own)
      this.#settle('pass')
    } else {
      this.#relay(status, own)
    }
  }

  onBody(chunk: Buffer): void {
    if (this.#body === 'dropped') {
      this.#dropped += chunk.length
      if (this.#dropped > worthReading) this.#leave()
      return
    }
    const { exchange } = this.#question
    exchange.bytesSent += chunk.length
    if (!exchange.response.write(chunk)) this.#connection?.pause()
  }

  onEnd(): void {
    this.#stopWaiting()
    this.#connection = undefined
    if (this.#body === 'relayed') this.#question.exchange.response.end()
  }

  onError(error: Error): void {
    const connection = this.#connection
    this.#connection = undefined
    const { exchange } = this.#question
    if (this.#answered) {
      this.#stopWaiting()
      if (this.#body === 'relayed' && !exchange.over) cutAnswer(exchange, `auth service: ${messageOf(error)}`)
    } else if (connection?.reused && !connection.heard && isBroken(error) && !this.#retried) {
      this.#retried = true
      this.ask(true)
    } else {
      this.#deny(error)
    }
  }

  /** Hints for the browser are the upstream's to give. */
  onInterim(): void {}

  /** A body that nobody reads, and that does not end, must not keep one of the few connections to the service. */
  onPause(): void {
    if (this.#answered && this.#body === 'dropped')
      this.#timer ??= setTimeout(() => this.#leave(), worthWaiting).unref()
  }

  onDrain(): void {}

  onBodyRefused(): void {}

  /** It was not asked to switch, so this is not reached. */
  onUpgrade(_head: AnswerHead, socket: Socket): void {
    socket.destroy()
  }

  /** What the service says instead of yes is the client's to read: a challenge, or the way to a login page. */
  #relay(status: number, fields: readonly string[]): void {
    const { exchange } = this.#question
    const { response, request } = exchange
    const close = exchange.upgrade ? ['connection', 'close'] : []
    try {
      sendHead(exchange, status, [...fields, ...close])
    } catch (error) {
      this.#leave()
      this.#settle({ status: 502, cause: `auth service: its headers cannot be passed on: ${messageOf(error)}` })
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
    else this.#question.pool.cancel(this)
    this.#connection = undefined
  }
}

/**
 * Answers to a part of a request or a condition (RFC 9110 §15.3.7, §15.4.5), of which the question has none: as the client's own answer
 * they would tell it that what it has of the guarded resource is still good.
 */
const speaksOfTheResource: ReadonlySet<number> = new Set([206, 304])

const unreachable = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'POOL_EXHAUSTED',
])

/** 503 where the service could not be asked or took too long; 502 where it gave no sound answer. */
function statusOf(error: unknown): 502 | 503 {
  return unreachable.has(String((error as { code?: unknown }).code)) ? 503 : 502
}
