/** What a dispatch needs of the connections to a target, whatever version of HTTP they speak. */
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { Waiter } from './client/dialling.ts'
import type { RequestHead } from './client/request-head.ts'
import type { UpstreamStream } from './client/transaction.ts'

/** The connections of one thread to one target: those in use, those idle, and the requests that wait for one. */
export interface Pool {
  /** Serializes a head for `UpstreamStream.send`. Throws an UnsendableRequest. */
  prepare(head: RequestHead): string
  acquire(waiter: Waiter<UpstreamStream>, options?: AcquireOptions): void
  /** The waiter needs no connection any more, and is not called. */
  cancel(waiter: Waiter<UpstreamStream>): void
  /** It carries an event stream: from now on it does not count as in use. */
  openEnded(stream: UpstreamStream): void
  /** Closes idle connections, and the others after their requests. */
  close(): void
  /** Ends everything. */
  destroy(): void
}

export interface AcquireOptions {
  /** A new connection: where one idle connection was closed, the others may be as well. */
  readonly fresh?: boolean
  /** The request cannot be retried, so it must not get a connection that has been closed unnoticed. */
  readonly careful?: boolean
}

/** A connection that was idle for less is taken to be alive. */
export const justUsed: Milliseconds = 100

/** Gives the event loop one full turn to read a close that has already arrived, and calls back. */
export function afterOneTurn(callback: () => void): void {
  setImmediate(() => setImmediate(callback))
}
