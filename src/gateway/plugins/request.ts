import { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { messageOf } from '../../shared/errors.ts'
import { countBody, isBodyTooLarge } from '../guards/request-body.ts'
import { upstreamHeaders } from '../proxy/request-headers.ts'
import { awaitsContinue } from '../proxy/upload.ts'
import type { Exchange } from '../request/exchange.ts'
import { sendError } from '../response/respond.ts'

/** What a plugin learns of its request beyond the HTTP message: `request.exchange`. */
export interface PluginExchange {
  /** Address of the client, behind trusted proxies too. */
  readonly client: string
  /** Scheme of the client's own request. */
  readonly scheme: 'http' | 'https'
  readonly requestId: string
  /** How logs and `gatehouse plan` name the route. */
  readonly route: string
  /** Name of the listener. */
  readonly listener: string
}

/**
 * The request as a plugin sees it: what an upstream would get, over h1 and h2 alike. Its body is read at the plugin's
 * pace, and counts as any other.
 */
export class PluginRequest extends IncomingMessage {
  readonly exchange: PluginExchange
  readonly #of: Exchange
  /** Called for each piece of the body and at its end. */
  readonly #progressed: () => void
  #reading = false

  /** `socket` stands for the connection in the plugin. */
  constructor(of: Exchange, socket: Socket, progressed: () => void) {
    super(socket)
    this.#of = of
    this.#progressed = progressed
    this.exchange = Object.freeze({
      client: of.client,
      scheme: of.identity.scheme,
      requestId: of.requestId,
      route: of.route?.label ?? '',
      listener: of.listener.name,
    })
    this.method = of.request.method ?? 'GET'
    this.url = of.inner.path + of.inner.query
    this.httpVersion = '1.1'
    this.httpVersionMajor = 1
    this.httpVersionMinor = 1
    this.rawHeaders = messageHeaders(of)
    this.headers = joined(this.rawHeaders)
    if (!of.hasBody) this.#end()
  }

  /** The gateway's own record of the request, which plugins do not get. */
  static exchangeOf(request: object): Exchange {
    return (request as PluginRequest).#of
  }

  /** The client has left, or the gateway has answered in the plugin's place. */
  abort(): void {
    if (this.destroyed) return
    this.aborted = true
    this.emit('aborted')
    this.destroy(this.complete ? undefined : Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
  }

  override _read(): void {
    const { request, response } = this.#of
    if (this.complete) return
    if (this.#reading) {
      request.resume()
      return
    }
    this.#reading = true
    this.#of.uploading = true
    if (awaitsContinue(request)) response.writeContinue()
    request.on('data', this.#take)
    request.on('end', this.#endOfBody)
    request.on('error', this.#leave)
    request.on('aborted', this.#leave)
  }

  /** The connection stays, since the answer is still to come; the rest of the body is discarded. */
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#stop()
    // There may be no listener: an aborted request is no failure of the plugin.
    callback(this.listenerCount('error') > 0 ? error : null)
  }

  #take = (chunk: Buffer): void => {
    if (chunk.length === 0) return
    this.#progressed()
    try {
      countBody(this.#of, chunk.length)
    } catch (error) {
      if (!isBodyTooLarge(error as Error)) throw error
      sendError(this.#of, 413, messageOf(error))
      this.destroy(Object.assign(error as Error, { statusCode: 413 }))
      return
    }
    if (!this.push(chunk)) this.#of.request.pause()
  }

  #endOfBody = (): void => {
    const { stream } = this.#of
    // An h2 request ends even if the client resets it.
    if (stream && stream.rstCode !== 0) {
      this.#leave()
      return
    }
    this.#progressed()
    this.#stop()
    this.#end()
  }

  #leave = (): void => this.abort()

  #end(): void {
    this.complete = true
    this.push(null)
  }

  #stop(): void {
    if (!this.#reading) return
    this.#reading = false
    this.#of.uploading = false
    const { request } = this.#of
    request.off('data', this.#take)
    request.off('end', this.#endOfBody)
    request.resume()
  }
}

/** Those that an upstream would get, with what says that there is a body, or an upgrade. */
function messageHeaders(exchange: Exchange): string[] {
  const { request, hasBody, upgrade } = exchange
  const headers = upstreamHeaders(exchange)
  if (hasBody && request.headers['content-length'] === undefined) headers.push('transfer-encoding', 'chunked')
  if (upgrade) headers.push('connection', 'Upgrade', 'upgrade', request.headers.upgrade ?? 'websocket')
  return headers
}

/** Of these the first counts, as in Node; others are lists. */
const singleValued = new Set([
  'authorization',
  'content-length',
  'content-type',
  'from',
  'host',
  'referer',
  'user-agent',
])

/** As Node makes them: an object with a prototype, which libraries expect. */
function joined(flat: readonly string[]): NodeJS.Dict<string | string[]> {
  const headers: NodeJS.Dict<string | string[]> = {}
  for (let i = 0; i < flat.length; i += 2) {
    const name = (flat[i] as string).toLowerCase()
    const value = flat[i + 1] as string
    // A header may be called `constructor`.
    const known = Object.hasOwn(headers, name) ? headers[name] : undefined
    if (known === undefined) headers[name] = name === 'set-cookie' ? [value] : value
    else if (Array.isArray(known)) known.push(value)
    else if (!singleValued.has(name)) headers[name] = `${known}, ${value}`
  }
  return headers
}
