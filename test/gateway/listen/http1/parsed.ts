/** What Http1Connection makes of bytes, put together so that two readings can be compared. */
import { setImmediate as turn } from 'node:timers/promises'
import { Http1Connection } from '../../../../src/gateway/listen/http1/connection.ts'
import type { Http1Request } from '../../../../src/gateway/listen/http1/request.ts'
import type { Http1Response } from '../../../../src/gateway/listen/http1/response.ts'
import { answeredMethods } from '../../../../src/gateway/request/admit.ts'
import { readTargetPath } from '../../../../src/gateway/request/target-path.ts'
import { refusalOf } from '../../../../src/gateway/request/validate-request.ts'
import { Wire } from './wire.ts'

export interface ReadRequest {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly fields: readonly string[]
  readonly body: string
  readonly trailers: readonly string[]
  readonly complete: boolean
}

export interface Reading {
  readonly requests: readonly ReadRequest[]
  /** Why it stopped, if it is not the end of the bytes. */
  readonly error?: string
}

export interface ReadingOptions {
  /** Requests are answered when their head is read, and not when their body has ended. */
  readonly early?: boolean
  readonly headLimit?: number
}

/** The requests in the bytes, which come in these pieces; each is answered, and refused as the gateway would. */
export async function read(pieces: readonly Buffer[], options: ReadingOptions = {}): Promise<Reading> {
  const wire = new Wire()
  const requests: { -readonly [K in keyof ReadRequest]: ReadRequest[K] }[] = []
  let error: string | undefined
  let isOver = false
  let events = 0
  const answer = (response: Http1Response, last: boolean) => {
    response.writeHead(200, ['content-length', '0', ...(last ? ['connection', 'close'] : [])])
    response.end()
  }
  const take = (request: Http1Request, response: Http1Response) => {
    events += 1
    const { method, url: target, httpVersion: version, rawHeaders: fields } = request
    response.on('close', () => {
      events += 1
    })
    error = refusalByGateway(request)
    if (error !== undefined) {
      answer(response, true)
      return
    }
    const read = { method, target, version, fields, body: '', trailers: [] as readonly string[], complete: false }
    requests.push(read)
    if (request.headers.expect) response.writeContinue()
    if (options.early) {
      answer(response, false)
      return
    }
    request.on('data', (chunk: Buffer) => {
      read.body += chunk.toString('latin1')
    })
    request.on('end', () => {
      events += 1
      read.complete = true
      read.trailers = request.rawTrailers
      answer(response, false)
    })
  }
  const connection = new Http1Connection(
    wire,
    { headerTimeout: 1_000_000, idleTimeout: 1_000_000, requestHeaders: options.headLimit ?? 64_000 },
    {
      request(request, response, refusal) {
        if (!refusal) take(request, response)
        else {
          error ??= refusal.cause
          answer(response, true)
        }
      },
      upgrade(request) {
        const { method, url: target, httpVersion: version, rawHeaders: fields } = request
        error = refusalByGateway(request)
        if (error === undefined)
          requests.push({ method, target, version, fields, body: '', trailers: [], complete: true })
        isOver = true
      },
      brokenBody(_request, refusal) {
        error ??= refusal.cause
        if (!connection.answer?.headersSent) answer(connection.answer as Http1Response, true)
      },
      late() {},
      halfClosed() {},
      closed() {},
    },
  )
  for (const piece of pieces) {
    wire.receive(piece)
    for (let before = -1; before !== events; ) {
      before = events
      await turn()
    }
    if (isOver || error !== undefined || wire.writableEnded) break
  }
  wire.destroy()
  return { requests, ...(error !== undefined && { error }) }
}

/** As in request/admit.ts, but for Host, of which llhttp knows nothing. */
function refusalByGateway(request: Http1Request): string | undefined {
  const { method, url } = request
  if (!answeredMethods.has(method)) return 'unknown method'
  const target = readTargetPath(url, 'any-form')
  if (url !== '*' && !target) return 'malformed request target'
  if (target?.authority !== undefined && !/^[a-z0-9._:[\]-]*$/i.test(target.authority))
    return 'malformed request target'
  return refusalOf(request)?.cause
}

/** Every way to cut the bytes in two, and one byte at a time. */
export function* splits(text: string): Generator<readonly Buffer[]> {
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 1; at < bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)]
  yield Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
}
