/** What a connection is given, and whom it tells. */
import type { Socket } from 'node:net'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import type { AnswerHead } from './answer-head.ts'
import type { Expected } from './answer-parser.ts'

/** Who sent the request: told what becomes of it, and in the end, unless it destroys the connection, exactly one of `onEnd`, `onUpgrade` and `onError`. */
export interface Transaction {
  onInterim(head: AnswerHead): void
  onHead(head: AnswerHead): void
  /** Part of the body, the receiver's own; `last`: the answer is complete, and `onEnd` follows at once. */
  onBody(chunk: Buffer, last: boolean): void
  /** What could be read for now was; the answer is not complete. */
  onPause(): void
  onEnd(trailers: readonly string[]): void
  onUpgrade(head: AnswerHead, socket: Socket, rest: Buffer): void
  onError(error: Error): void
  /** There is room again for the request's body. */
  onDrain(): void
  /** The upstream takes no more of the request's body; its answer may still come. */
  onBodyRefused(): void
}

export interface Sent extends Expected {
  /** As `requestHead` makes it. */
  readonly head: string
  /** From the last byte of the request to the head of the answer. */
  readonly timeout: Milliseconds
}
