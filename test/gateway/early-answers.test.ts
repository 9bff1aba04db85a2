/** Answers that come before an upload was read: a client that sends all of it first still reads the answer. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { refusingPort } from '../support/refusing-port.ts'
import { h2Session, logged, protocols, rawSocket, text, tlsSocket } from './clients.ts'
import { cleanUp, host, proxyTo, type RouteOptions, type RunningGateway, startGateway } from './support.ts'
import { rawUpstream, upstream } from './upstreams.ts'

afterEach(cleanUp)

type Protocol = (typeof protocols)[number]

/** More than the kernel's buffers on the way hold. */
const length = 12_000_000
const body = Buffer.alloc(length, 'x')

const kinds: readonly (readonly [string, number, () => Promise<RouteOptions>])[] = [
  ['502 of an upstream that refuses', 502, async () => proxyTo(await refusingPort())],
  [
    '502 of an upstream that closes at once',
    502,
    async () => proxyTo((await rawUpstream((socket) => void socket.destroy())).port),
  ],
  [
    '413 of a body that is too large',
    413,
    async () => ({
      ...proxyTo((await upstream((request) => void request.resume())).port),
      guards: { requestBody: 1_000 },
    }),
  ],
  [
    '403 of an address that is not let in',
    403,
    async () => ({ ...proxyTo(await refusingPort()), guards: { addresses: [{ allow: [], deny: ['127.0.0.1/32'] }] } }),
  ],
  ['200 of the config', 200, async () => ({ kind: 'respond', status: 200, body: 'hello' })],
  ['302 of the config', 302, async () => ({ kind: 'redirect', to: '/there', status: 302, close: false })],
  [
    'answer of an upstream that reads nothing',
    401,
    async () => proxyTo((await upstream((_, response) => void response.writeHead(401).end('no'))).port),
  ],
]

async function statusH1(socket: Socket, framing: 'length' | 'chunks'): Promise<number> {
  const field = framing === 'length' ? `Content-Length: ${length}` : 'Transfer-Encoding: chunked'
  socket.pause()
  socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${field}\r\n\r\n`)
  if (framing === 'chunks') socket.write(`${length.toString(16)}\r\n`)
  await new Promise<void>((resolve, reject) => {
    socket.once('close', () => reject(new Error('the connection was closed while the body was being sent')))
    socket.write(body, (error) => (error ? reject(error) : resolve()))
  })
  if (framing === 'chunks') socket.write('\r\n0\r\n\r\n')
  const answer = await text(socket)
  return Number(/^HTTP\/1\.1 (\d+) /.exec(answer)?.[1])
}

async function statusH2(gateway: RunningGateway): Promise<number> {
  const stream = h2Session(gateway).request({ ':method': 'POST', ':path': '/', ':authority': host })
  stream.on('error', () => {})
  // Its own library allows a client no more than 10 MB.
  stream.write(body.subarray(0, 4_000_000))
  const closed = once(stream.resume(), 'close')
  const [fields] = await once(stream, 'response')
  await closed
  expect(stream.rstCode).toBe(0)
  return Number(fields[':status'])
}

function statusOf(gateway: RunningGateway, protocol: Protocol, framing: 'length' | 'chunks'): Promise<number> {
  if (protocol === 'h2') return statusH2(gateway)
  return statusH1(protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https), framing)
}

describe.each(protocols)('over %s, an upload that is answered early reads', (protocol) => {
  it.each(kinds)('%s', async (_, status, route) => {
    const gateway = await startGateway({ routes: [await route()] })
    for (const framing of ['length', 'chunks'] as const) {
      const seen = gateway.records.length
      expect([framing, await statusOf(gateway, protocol, framing)]).toEqual([framing, status])
      await gateway.waitForRecord((record) => gateway.records.indexOf(record) >= seen)
      expect(gateway.records[seen]).toMatchObject({ ...logged[protocol], status })
    }
  })
})
