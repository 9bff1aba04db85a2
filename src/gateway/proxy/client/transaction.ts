/** A request to an upstream, and the receiver of its answer. */
import type { Socket } from 'node:net'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import type { AnswerHead } from './answer-head.ts'
import type { Expected } from './answer-parser.ts'

/**
 * Receives the answer to a request. The last call is exactly one of `onEnd`, `onUpgrade` and `onError`, unless the
 * receiver destroys the connection first.
 */
export interface Transaction {
  onInterim(head: AnswerHead): void
  onHead(head: AnswerHead): void
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

export interface Sent extends Expected {
  /** As `requestHead` makes it. */
  readonly head: string
  /** Longest time from the last byte of the request to the head of the answer. */
  readonly timeout: Milliseconds
}
