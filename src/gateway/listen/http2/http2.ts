/** The HTTP/2 connections of a listener. */
import type { Socket } from 'node:net'
import { Http2Connection, type Http2Limits } from './connection.ts'
import type { Http2Request } from './request.ts'
import type { Http2Response } from './response.ts'
import { StreamTurns } from './stream-turns.ts'

export interface Http2Events {
  request(request: Http2Request, response: Http2Response): void
  limits(): Http2Limits
}

export class Http2Server {
  readonly #connections = new Set<Http2Connection>()
  readonly #turns: StreamTurns
  readonly #events: Http2Events

  constructor(events: Http2Events) {
    this.#events = events
    this.#turns = new StreamTurns((request, response) => events.request(request, response))
  }

  /** The client has chosen h2. */
  accept(socket: Socket): void {
    this.#connections.add(
      new Http2Connection(socket, {
        request: (request, response) => this.#turns.take(request, response),
        closed: (connection) => this.#connections.delete(connection),
        limits: () => this.#events.limits(),
      }),
    )
  }

  /** Each takes no more requests, and is closed after those that are in flight. */
  close(): void {
    for (const connection of [...this.#connections]) connection.close()
  }

  /** Resolves when the kernel has taken all that was sent on the connections. */
  async emptied(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.emptied()))
  }

  /** At once. */
  destroy(): void {
    for (const connection of [...this.#connections]) connection.destroy()
  }
}
