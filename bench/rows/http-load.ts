/** Rows that send one request again and again. */
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { constantArrivals } from '../load/constant-arrivals.ts'
import { h2load } from '../load/h2load.ts'
import { handshakes } from '../load/handshakes.ts'
import type { LoadResult } from '../load/load.ts'
import { closeSockets, inGroups, openSockets, request } from '../load/sockets.ts'
import { wrk } from '../load/wrk.ts'
import type { RunningServer } from '../measure/server.ts'
import type { Site } from '../peers/site.ts'
import { type Run, type Sample, type WarmRow, warmup } from './row.ts'

export interface HttpLoad {
  readonly path: string
  /** Default: h1, over 32 connections. */
  readonly protocol?: 'h1' | 'TLS h1' | 'TLS h2'
  readonly connections?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes of the body of a POST; default: GET. */
  readonly post?: number
  /** What the answer has to be; default: 200, no encoding. */
  readonly status?: number
  readonly bytes?: number
  readonly encoding?: string
  /** Asks for the file only if it has changed, which it has not. */
  readonly conditional?: true
}

export function httpLoad(load: HttpLoad): WarmRow['warm'] {
  return async (run) => {
    const server = await run.start()
    const headers = await headersOf(load, run.site)
    await send(load, headers, run, warmup)
    // After the warm-up: a server may serve a file as it is until it has compressed it.
    await check(load, headers, run.site)
    return () => measured(server, () => send(load, headers, run, run.seconds))
  }
}

/** What the load costs; rejects if a request fails. */
export async function measured(server: RunningServer, load: () => Promise<LoadResult>): Promise<Sample> {
  const before = server.cpu()
  const started = performance.now()
  const { requests, rate, p50, p99, failures } = await load()
  const used = server.cpu() - before
  if (failures > 0) throw new Error(`${failures} requests failed, ${requests} did not`)
  const latencies = { ...(p50 === undefined ? {} : { p50 }), ...(p99 === undefined ? {} : { p99 }) }
  const busy = used / 1000 / (performance.now() - started)
  return { cpu: used / requests, rate, busy, ...latencies, peak: server.peakMemory() / 1e6 }
}

function send(
  load: HttpLoad,
  headers: Readonly<Record<string, string>>,
  run: Run,
  seconds: number,
): Promise<LoadResult> {
  const { site } = run
  const { protocol = 'h1', connections = 32, post } = load
  const url = urlOf(load, site)
  if (protocol === 'TLS h2') return h2load({ url, connections: 8, streams: 8, seconds, folder: site.folder })
  const body = post === undefined ? {} : { post }
  return wrk({ url, connections, seconds, headers, folder: site.folder, ...body })
}

function urlOf({ protocol = 'h1', path }: HttpLoad, site: Site): string {
  return protocol === 'h1' ? `http://127.0.0.1:${site.http}${path}` : `https://localhost:${site.https}${path}`
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly bytes: number
}

async function headersOf(load: HttpLoad, site: Site): Promise<Readonly<Record<string, string>>> {
  const { headers = {} } = load
  if (!load.conditional) return headers
  const { etag } = (await ask(load, headers, site)).headers
  if (typeof etag !== 'string') throw new Error(`${load.path} has no ETag`)
  return { ...headers, 'if-none-match': etag }
}

async function check(load: HttpLoad, headers: Readonly<Record<string, string>>, site: Site): Promise<void> {
  const { status = 200, bytes, encoding } = load
  const answer = await ask(load, headers, site)
  if (answer.status !== status) throw new Error(`${load.path} is answered with ${answer.status}, not ${status}`)
  const found = answer.headers['content-encoding']
  if (found !== encoding)
    throw new Error(`${load.path} is encoded with ${found ?? 'nothing'}, not ${encoding ?? 'nothing'}`)
  if (bytes !== undefined && answer.bytes !== bytes)
    throw new Error(`${load.path} has ${answer.bytes} bytes, not ${bytes}`)
}

/** Sends the request once. */
function ask(load: HttpLoad, headers: Readonly<Record<string, string>>, site: Site): Promise<Answer> {
  const { protocol = 'h1', post } = load
  const request = protocol === 'h1' ? requestHttp : requestHttps
  return new Promise((resolve, reject) => {
    const options = { agent: false, headers, method: post === undefined ? 'GET' : 'POST', rejectUnauthorized: false }
    request(urlOf(load, site), options, (response) => {
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes }))
      response.on('error', reject)
    })
      .on('error', reject)
      .end(post === undefined ? undefined : 'p'.repeat(post))
  })
}

/** New TLS connections, each with one request. */
export function tlsHandshakes(kind: 'full' | 'resumed'): WarmRow['warm'] {
  return async (run) => {
    const server = await run.start()
    const send = (seconds: number) => handshakes(run.site.https, '/files/small.css', seconds, kind === 'resumed')
    await send(warmup)
    return () => measured(server, () => send(run.seconds))
  }
}

/** Requests that arrive at half the rate of which Gatehouse is capable, at every server. */
export function halfOfCapacity(): WarmRow['warm'] {
  return async (run) => {
    const rate = (await run.capacity()) / 2
    const server = await run.start()
    await constantArrivals(run.site.http, rate, warmup)
    return () => measured(server, () => constantArrivals(run.site.http, rate, run.seconds))
  }
}

/** The proxy under load over 32 connections, while so many in all are open; the others have made one request each. */
export function openConnections(count: number): WarmRow['warm'] {
  const active = Math.min(32, count)
  // Gatehouse refuses those above 10,000, HAProxy above half of the file descriptors; the check needs one, too.
  const idle = Math.max(0, count - active - 20)
  return async (run) => {
    const server = await run.start()
    const load: HttpLoad = { path: '/', bytes: 80, connections: active }
    await send(load, {}, run, warmup)
    // In each round, since servers close connections that are idle for long.
    return async () => {
      const sockets = await openSockets(run.site.http, idle)
      try {
        await inGroups(sockets, async (socket) => {
          const { status } = await request(socket, 'GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n')
          if (status !== 200) throw new Error(`the server answers ${status} to a connection of many`)
        })
        return await measured(server, () => send(load, {}, run, run.seconds))
      } finally {
        closeSockets(sockets)
      }
    }
  }
}
