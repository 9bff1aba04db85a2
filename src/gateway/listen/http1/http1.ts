/** The HTTP/1 connections of one listener. */
import type { Socket } from 'node:net'
import { UnorderedList } from '../../../shared/unordered-list.ts'
import type { Refusal } from '../../request/refusal.ts'
import { Http1Connection, type Http1Events, type Http1Limits } from './connection.ts'
import { HalfClosed } from './half-close.ts'
import type { Http1Request, UpgradeRequest } from './request.ts'
import type { Http1Response } from './response.ts'
import { spreadOverTurns } from './spread-over-turns.ts'

export interface Http1Handlers {
  /** `refusal`: why it must not be routed. */
  request(request: Http1Request, response: Http1Response, refusal?: Refusal): void
  upgrade(request: Http1Request, response: Http1Response, upgrade: UpgradeRequest): void
  /** The rest of its body cannot be read. */
  brokenBody(request: Http1Request, refusal: Refusal): void
  /** For connections from now on. */
  limits(): Http1Limits
}

export class Http1Server {
  readonly #limits: () => Http1Limits
  readonly #open = new UnorderedList<Http1Connection>()
  readonly #events: Http1Events

  constructor({ request, upgrade, brokenBody, limits }: Http1Handlers) {
    const halfClosed = new HalfClosed()
    this.#limits = limits
    this.#events = {
      request,
      upgrade,
      brokenBody,
      late: spreadOverTurns((refuse) => refuse()),
      halfClosed: (connection) => halfClosed.watch(connection),
      closed: (connection) => this.#open.remove(connection),
    }
  }

  /** Serves a connection, which must be open half: the end of its client's side ends no answer. */
  accept(socket: Socket): void {
    this.#open.add(new Http1Connection(socket, this.#limits(), this.#events))
  }

  /** Closes the connections without a request in flight. */
  closeIdle(): void {
    for (const connection of this.#open.all()) connection.closeIfIdle()
  }
}
