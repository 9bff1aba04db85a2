/** A request to an upstream, what carries it, and the receiver of its answer. */
import type { Socket } from 'node:net'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import type { AnswerHead } from './answer-head.ts'
import type { Expected } from './answer-parser.ts'

/**
 * Receives the answer to a request. The last call is exactly one of `onEnd`, `onUpgrade` and `onError`, unless the
 * receiver destroys the connection first.
 */
export interface Transaction {
  onInterim(head: AnswerFields): void
  /** `last`: the answer has neither a body nor trailers, and `onEnd` follows at once; HTTP/1 does not tell. */
  onHead(head: AnswerFields, last?: boolean): void
  /** Part of the body, which the receiver may keep; `last`: the answer is complete, and `onEnd` follows at once. */
  onBody(chunk: Buffer, last: boolean): void
  /** All bytes that had arrived are read; the answer is not complete. */
  onPause(): void
  onEnd(trailers: readonly string[]): void
  onUpgrade(head: AnswerHead, socket: Socket, rest: Buffer): void
  onError(error: Error): void
  /** The request's body can be written again. */
  onDrain(): void
  /** The upstream takes no more of the request's body; its answer may still come. */
  onBodyRefused(): void
}

/** The head of an answer in any version of HTTP. */
export type AnswerFields = Pick<AnswerHead, 'status' | 'fields'>

/** What carries one request and its answer: an HTTP/1 connection, or a stream of an HTTP/2 connection. */
export interface UpstreamStream {
  /** Whether its connection has carried another request before. */
  readonly reused: boolean
  /** Whether anything of an answer to this request has arrived. */
  readonly answerBegun: boolean
  /** Sends the head. If a body follows (`withBody`), it is held back until `flush`, to leave with its first bytes. */
  send(sent: Sent, transaction: Transaction, withBody: boolean): void
  flush(): void
  /** Part of a body of known length. False: no more until `onDrain`. */
  write(chunk: Buffer): boolean
  /** Part of a body of unknown length; it must not be empty. */
  writeChunk(chunk: Buffer): boolean
  /**
   * The request is complete, its length was unknown (`chunked`) or not. `trailers`: name and value in turn; HTTP/1 sends
   * none.
   */
  endBody(chunked: boolean, trailers: readonly string[]): void
  pause(): void
  resume(): void
  /** Aborts the request, without a call to the transaction. */
  destroy(): void
}

export interface Sent extends Expected {
  /** As the pool's `prepare` makes it, to be written as latin1. */
  readonly head: string
  /** Longest time from the last byte of the request to the head of the answer. */
  readonly timeout: Milliseconds
}
