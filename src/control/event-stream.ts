/** Events for clients that stay: each has a stream of lines, and none of them can make us keep more than a little. */

import type { ServerResponse } from 'node:http'
import type { Bytes } from '../shared/bytes.ts'
import type { Milliseconds } from '../shared/time/duration.ts'
import { setTimeout } from '../shared/time/timer.ts'
import type { ProcessStatus } from './contract/contract.ts'
import { type Cut, eventSchema, type Snapshot, snapshotSchema } from './contract/events.ts'
import type { EventSource } from './control-source.ts'

/** What a client may leave unread. It is then ended, and may come back with the id that it read last. */
const patience: Bytes = 256 * 1024

/** For its last line, after which its connection is closed whether it was read or not. */
const lastWords: Milliseconds = 2_000

const most = 32

export class EventStreams {
  readonly #source: EventSource
  readonly #processes: () => readonly ProcessStatus[]
  readonly #open = new Map<ServerResponse, () => void>()

  constructor(source: EventSource, processes: () => readonly ProcessStatus[]) {
    this.#source = source
    this.#processes = processes
  }

  /** Whether no more clients are taken. */
  get full(): boolean {
    return this.#open.size >= most
  }

  /** Tells all that has happened since the event with this id, or how things stand, and then what happens. */
  open(response: ServerResponse, since: number | undefined): void {
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
    const missed = since === undefined ? undefined : this.#source.since(since)
    const first = missed ? missed.map((event) => eventSchema.parse(event)) : [this.#snapshot()]
    const leave = this.#source.subscribe((event) => {
      response.write(line(eventSchema.parse(event)))
      if (response.writableLength > patience) {
        this.#end(response, 'events came faster than they were read; ask again with `since`')
      }
    })
    this.#open.set(response, leave)
    response.on('close', () => this.#forget(response))
    // Also if there is nothing to tell yet: the client then knows that it is heard.
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
    const late = setTimeout(() => response.destroy(), lastWords)
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
