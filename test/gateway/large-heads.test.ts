/**
 * Heads and trailers that are long, or of many fields, within `limits.answerHeaders`: what clients read is the same
 * over h1 and h2.
 */
import { once } from 'node:events'
import { connect as connectH2 } from 'node:http2'
import { afterEach, describe, expect, it } from 'vitest'
import { protocols, rawSocket, text, tlsSocket } from './clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway, whenOver } from './support.ts'
import { rawUpstream } from './upstreams.ts'

afterEach(cleanUp)

const limits = { answerHeaders: 256 * 1024 }

async function gatewayTo(answer: string): Promise<RunningGateway> {
  const behind = await rawUpstream((socket) => void socket.once('data', () => socket.end(answer, 'latin1')))
  return startGateway({ routes: [proxyTo(behind.port)], limits })
}

interface Read {
  readonly status: number
  /** Of the head and of the trailers, fields called X-… */
  readonly head: number
  readonly trailers: number
  readonly body: string
}

function h2(gateway: RunningGateway, maxHeaderListSize: number) {
  const session = connectH2(`https://${host}`, {
    createConnection: () => tlsSocket(gateway.https, 'h2'),
    maxHeaderListPairs: 100_000,
    settings: { maxHeaderListSize },
  })
  session.on('error', () => {})
  whenOver(() => session.destroy())
  return session
}

async function read(gateway: RunningGateway, protocol: (typeof protocols)[number], taken = 2 ** 24): Promise<Read> {
  if (protocol === 'h2') {
    const stream = h2(gateway, taken).request({ ':path': '/', ':authority': host })
    let trailers = {}
    stream.on('trailers', (fields) => {
      trailers = fields
    })
    const [head] = await once(stream, 'response')
    const body = await text(stream)
    const count = (fields: object) => Object.keys(fields).filter((name) => name.startsWith('x-f')).length
    return { status: head[':status'], head: count(head), trailers: count(trailers), body }
  }
  const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  const answer = await text(socket)
  const end = answer.indexOf('\r\n\r\n')
  const count = (fields: string) => fields.match(/\r\nx-f/gi)?.length ?? 0
  const [, body = '', trailers = ''] = /^[0-9a-f]+\r\n(.*?)\r\n0(\r\n[\s\S]*)$/.exec(answer.slice(end + 4)) ?? []
  return { status: Number(answer.slice(9, 12)), head: count(answer.slice(0, end)), trailers: count(trailers), body }
}

const many = (count: number, size = 1) =>
  Array.from({ length: count }, (_, i) => `X-F${i}: ${'a'.repeat(size)}\r\n`).join('')
const long = (size: number) => `X-F: ${'a'.repeat(size)}\r\n`

describe.each(protocols)('over %s', (protocol) => {
  it.each([
    ['a field of 60 KB', long(60_000), 1],
    ['a field of 100 KB', long(100_000), 1],
    ['four fields of 50 KB', many(4, 50_000), 4],
    ['3,500 small fields', many(3_500), 3_500],
    ['12,000 small fields', many(12_000), 12_000],
  ])('%s arrive in a head, and as trailers', async (_what, fields, count) => {
    const gateway = await gatewayTo(
      `HTTP/1.1 200 OK\r\n${fields}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n${fields}\r\n`,
    )
    expect(await read(gateway, protocol)).toEqual({ status: 200, head: count, trailers: count, body: 'hello' })
    const record = await gateway.waitForRecord(() => true)
    expect(record).toMatchObject({ status: 200 })
    expect(record.error).toBeUndefined()
  })
})

it('a head that an h2 client does not take is 502 with its cause, and its connection is kept', async () => {
  const gateway = await gatewayTo(`HTTP/1.1 200 OK\r\n${long(30_000)}Content-Length: 5\r\n\r\nhello`)
  expect(await read(gateway, 'h2', 20_000)).toMatchObject({ status: 502, head: 0 })
  const { error } = await gateway.waitForRecord(() => true)
  expect(error).toMatch(
    /^cannot send on the upstream's headers: a head of 30\d+ bytes, over the client's limit of 20000$/,
  )
})

it('trailers that an h2 client does not take cut the answer, and the cause is logged', async () => {
  const gateway = await gatewayTo(
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n${long(30_000)}\r\n`,
  )
  await expect(read(gateway, 'h2', 20_000)).rejects.toThrow()
  expect((await gateway.waitForRecord(() => true)).error).toMatch(/trailers of 30\d+ bytes/)
})
