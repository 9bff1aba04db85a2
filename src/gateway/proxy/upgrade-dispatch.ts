/** The handshake of an upgrade with an upstream. */
import type { Socket } from 'node:net'
import type { ProxyPlan } from '../../plan/model/plan.ts'
import { messageOf } from '../../shared/errors.ts'
import { speaksHttp2 } from '../../shared/net/origin-scheme.ts'
import type { Exchange } from '../request/exchange.ts'
import { finalFields } from '../response/answer-fields.ts'
import { cutAnswer, sendError, sendHead } from '../response/respond.ts'
import { isConnectionFault, statusOf } from '../upstream/faults.ts'
import type { Target } from '../upstream/target.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { AnswerHead } from './client/answer-head.ts'
import type { Connection, ConnectionOwner } from './client/connection.ts'
import { dialConnection, type Waiter } from './client/dialling.ts'
import { requestHead } from './client/request-head.ts'
import type { Transaction } from './client/transaction.ts'
import { upstreamHeaders } from './request-headers.ts'
import { retryAfter } from './retry.ts'

/** An upstream that agreed to upgrade: the head of its answer, its socket, and the bytes that followed the head. */
export interface UpgradedPeer {
  readonly head: AnswerHead
  readonly socket: Socket
  readonly rest: Buffer
}

class UpgradeImpossible extends Error {
  readonly code = 'UPGRADE_IMPOSSIBLE'
}

/** A connection is made for one handshake and is never reused. */
const noPool: ConnectionOwner = {
  free: (connection) => connection.destroy(),
  closed: () => {},
}

/**
 * Passes the handshake on; the result is a tunnel, or an answer like any other. If a target cannot be reached, nothing
 * was sent, so the next one is tried; nothing else is retried, since a handshake may open a session.
 */
export class UpgradeDispatch implements Waiter, Transaction {
  readonly #exchange: Exchange
  readonly #plan: ProxyPlan
  readonly #upstream: Upstream
  readonly #join: (peer: UpgradedPeer) => void
  readonly #tried: Target[] = []
  #target: Target | undefined
  #stopDialling: (() => void) | undefined
  #connection: Connection | undefined

  /** `join` is called when an upstream has agreed, and takes over its socket. */
  constructor(exchange: Exchange, plan: ProxyPlan, upstream: Upstream, join: (peer: UpgradedPeer) => void) {
    this.#exchange = exchange
    this.#plan = plan
    this.#upstream = upstream
    this.#join = join
    exchange.onAbandoned(() => this.#takeBack())
    exchange.response.on('drain', () => this.#connection?.resume())
  }

  /** `failed`: why the previous target could not be reached. */
  begin(failed?: Error): void {
    const target = this.#exchange.over ? undefined : this.#upstream.choose(this.#tried)
    if (target) this.#engage(target)
    else if (failed) this.#fail(failed)
    else sendError(this.#exchange, 503, `upstream ${this.#upstream.name}: no target is up`, ['retry-after', retryAfter])
  }

  onConnection(connection: Connection): void {
    const { request, inner, generation } = this.#exchange
    const method = request.method ?? ''
    const upgrade = request.headers.upgrade ?? 'websocket'
    this.#stopDialling = undefined
    this.#connection = connection
    try {
      connection.send(
        {
          head: requestHead({
            method,
            path: inner.path + inner.query,
            headers: upstreamHeaders(this.#exchange),
            body: 'none',
            upgrade,
          }),
          method,
          upgrade: upgrade.toLowerCase(),
          headLimit: generation.plan.limits.answerHeaders,
          timeout: this.#plan.timeouts.response,
        },
        this,
        false,
      )
    } catch (error) {
      this.#takeBack()
      this.#fail(error as Error)
    }
  }

  onNoConnection(error: Error): void {
    const target = this.#target
    this.#stopDialling = undefined
    this.#leave()
    if (this.#exchange.over) return
    if (target && isConnectionFault(error)) this.#upstream.connectionFailed(target, error)
    this.begin(error)
  }

  onUpgrade(head: AnswerHead, socket: Socket, rest: Buffer): void {
    const target = this.#target
    this.#connection = undefined
    this.#target = undefined
    if (target) this.#upstream.answered(target, 101)
    socket.once('close', () => target?.leave(this.#exchange))
    this.#join({ head, socket, rest })
  }

  /** An answer other than 101 is sent on; afterwards both connections are closed. */
  onHead({ status, fields }: AnswerHead): void {
    if (this.#target) this.#upstream.answered(this.#target, status)
    try {
      sendHead(this.#exchange, status, [...finalFields(status, fields), 'connection', 'close'])
    } catch (error) {
      this.#takeBack()
      sendError(this.#exchange, 502, `cannot send on the upstream's headers: ${messageOf(error)}`)
      return
    }
    if (status !== 205) return
    this.#takeBack()
    this.#exchange.response.end()
  }

  onBody(chunk: Buffer): void {
    this.#exchange.bytesSent += chunk.length
    if (!this.#exchange.response.write(chunk)) this.#connection?.pause()
  }

  onEnd(): void {
    this.#leave()
    this.#exchange.response.end()
  }

  onError(error: Error): void {
    const target = this.#target
    const { over, failure, response } = this.#exchange
    this.#leave()
    if (over || failure !== undefined || response.writableEnded) return
    if (target) this.#upstream.broke(target, error, response.headersSent)
    if (response.headersSent) cutAnswer(this.#exchange, `upstream: ${messageOf(error)}`)
    else this.#fail(error)
  }

  /** Interim answers are of no use to a client that waits for its upgrade. */
  onInterim(): void {}

  onPause(): void {}

  onDrain(): void {}

  onBodyRefused(): void {}

  #engage(target: Target): void {
    this.#tried.push(target)
    if (speaksHttp2(target.dial.origin)) {
      // RFC 9113 §8.6: HTTP/2 has no upgrades.
      this.begin(new UpgradeImpossible(`${target.dial.origin} speaks HTTP/2, which has no upgrades`))
      return
    }
    this.#target = target
    target.join(this.#exchange)
    this.#stopDialling = dialConnection(target.dial, { owner: noPool, tunnel: true }, this)
  }

  /** The target is done with the exchange. */
  #leave(): void {
    this.#target?.leave(this.#exchange)
    this.#target = undefined
    this.#connection = undefined
  }

  #takeBack(): void {
    this.#stopDialling?.()
    this.#stopDialling = undefined
    this.#connection?.destroy()
    this.#leave()
  }

  #fail(error: Error): void {
    sendError(this.#exchange, statusOf(error), `upstream: ${messageOf(error)}`)
  }
}
