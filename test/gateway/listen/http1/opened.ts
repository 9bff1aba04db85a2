/** A connection on a wire of the test, and what it has reported. */
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { Http1Connection, type Http1Limits } from '../../../../src/gateway/listen/http1/connection.ts'
import type { Http1Request, UpgradeRequest } from '../../../../src/gateway/listen/http1/request.ts'
import type { Http1Response } from '../../../../src/gateway/listen/http1/response.ts'
import type { Refusal } from '../../../../src/gateway/request/refusal.ts'
import { Wire } from './wire.ts'

export interface Begun {
  readonly request: Http1Request
  readonly response: Http1Response
  readonly refusal?: Refusal
  readonly upgrade?: UpgradeRequest
}

export class Opened {
  readonly wire = new Wire()
  readonly begun: Begun[] = []
  readonly broken: Refusal[] = []
  /** To be called for heads that are late. */
  readonly late: (() => void)[] = []
  readonly closed: Promise<unknown>
  halfClosed = 0
  readonly connection: Http1Connection

  /** `begins` is called within the event of each request. */
  constructor(limits: Partial<Http1Limits> = {}, begins: (begun: Begun) => void = () => {}) {
    this.closed = once(this.wire, 'close')
    const begin = (begun: Begun) => {
      this.begun.push(begun)
      begins(begun)
    }
    this.connection = new Http1Connection(
      this.wire,
      { headerTimeout: 60_000, idleTimeout: 60_000, requestHeaders: 16_000, ...limits },
      {
        request: (request, response, refusal) => begin({ request, response, ...(refusal && { refusal }) }),
        upgrade: (request, response, upgrade) => begin({ request, response, upgrade }),
        brokenBody: (_request, refusal) => void this.broken.push(refusal),
        late: (refuse) => void this.late.push(refuse),
        halfClosed: () => {
          this.halfClosed += 1
        },
        closed: () => {},
      },
    )
  }

  get last(): Begun {
    const last = this.begun.at(-1)
    if (!last) throw new Error('no request has begun')
    return last
  }

  get targets(): string[] {
    return this.begun.map(({ request }) => request.url)
  }
}

export function answer({ response }: Pick<Begun, 'response'>, body = '', fields: readonly string[] = []): void {
  response.writeHead(200, ['Content-Length', String(body.length), ...fields])
  response.end(Buffer.from(body))
}

/** Until everything that was begun by an event has run: ticks, then a turn, a few times. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 6; i++) await turn()
}

export const get = (target: string, more = '') => `GET ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`
export const post = (target: string, body: string, more = '') =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`
export const chunked = (target: string, chunks: string, more = '') =>
  `POST ${target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n${more}\r\n${chunks}`
