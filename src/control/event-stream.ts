/** Streams of events: each client gets a stream of lines, of which only a bounded part is buffered. */

import type { ServerResponse } from 'node:http'
import type { Bytes } from '../shared/bytes.ts'
import type { Milliseconds } from '../shared/time/duration.ts'
import { setTimeout } from '../shared/time/timer.ts'
import type { ProcessStatus } from './contract/contract.ts'
import { type Cut, eventSchema, type Snapshot, snapshotSchema } from './contract/events.ts'
import type { EventSource } from './control-source.ts'

/** A client that leaves more than this unread is disconnected. It may come back with the last id that it read. */
const unreadLimit: Bytes = 256 * 1024

/** How long a client has to read the last line before its connection is closed. */
const lastLinePatience: Milliseconds = 2_000

const maxClients = 32

export class EventStreams {
  readonly #source: EventSource
  readonly #processes: () => readonly ProcessStatus[]
  readonly #open = new Map<ServerResponse, () => void>()

  constructor(source: EventSource, processes: () => readonly ProcessStatus[]) {
    this.#source = source
    this.#processes = processes
  }

  /** Whether no more clients are accepted. */
  get full(): boolean {
    return this.#open.size >= maxClients
  }

  /** Sends the events since the one with this id, or a snapshot, and then every new event. */
  open(response: ServerResponse, since: number | undefined): void {
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
    const missed = since === undefined ? undefined : this.#source.since(since)
    const first = missed ? missed.map((event) => eventSchema.parse(event)) : [this.#snapshot()]
    const leave = this.#source.subscribe((event) => {
      response.write(line(eventSchema.parse(event)))
      if (response.writableLength > unreadLimit) {
        this.#end(response, 'events came faster than they were read; reconnect with `since`')
      }
    })
    this.#open.set(response, leave)
    response.on('close', () => this.#forget(response))
    // Also without any event yet: the client then knows that it is connected.
    response.flushHeaders()
    for (const one of first) response.write(line(one))
  }

  close(): void {
    for (const response of [...this.#open.keys()]) this.#end(response, 'gatehouse has stopped')
  }

  #snapshot(): Snapshot {
    const { lastEvent } = this.#source
    return snapshotSchema.parse({ type: 'snapshot', id: lastEvent, at: Date.now(), processes: this.#processes() })
  }

  #end(response: ServerResponse, message: string): void {
    this.#forget(response)
    response.end(line({ type: 'cut', message } satisfies Cut))
    const late = setTimeout(() => response.destroy(), lastLinePatience)
    response.once('close', () => clearTimeout(late))
  }

  #forget(response: ServerResponse): void {
    this.#open.get(response)?.()
    this.#open.delete(response)
  }
}

function line(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}
