/** Random heads are accepted, and read, as by Node's server with nghttp2. */
import { once } from 'node:events'
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Field, frameReader, frameTypes, headers, preface, settings } from '../../../../faults/gateway/h2-wire.ts'
import { randomFrom } from '../../http1/fuzz/mutations.ts'
import { head, Opened } from '../opened.ts'
import { below, pick, type Random } from './client.ts'

const count = 2_000
/** On a connection. */
const atOnce = 50

const names = [
  ...[':method', ':scheme', ':path', ':authority', ':status', ':protocol', ':', '', 'x-a', 'X-A', 'a b', 'a:b', 'x_1'],
  ...['host', 'content-length', 'te', 'cookie', 'trailer', 'expect', 'priority', '\xe9', '"q"', 'http2-settings'],
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'],
]
const values = [
  ...['', 'GET', 'HEAD', 'CONNECT', 'OPTIONS', '*', 'http', 'https', 'HTTPS', '/', '/a?b#c', '/\xe9', '//', '/ ', 'a'],
  ...['a:80', 'a@b', 'a b', 'a/', '[::1]', '0', '5', '05', '-1', '+1', '5 ', ' 5', '5,5', '1e3', '0x5', 'trailers'],
  ...['Trailers', 'gzip', 'chunked', 'a\0', 'a\r\nb', '\t', '\xe9', 'a\x7f', '123456789012345'],
]

let server: Http2Server
/** What it has read, by its stream. */
const read = new Map<number, readonly string[]>()

beforeAll(async () => {
  server = createServer()
  server.on('stream', (stream: ServerHttp2Stream, _headers, _flags, raw: string[]) => {
    read.set(stream.id as number, raw)
    stream.on('error', () => {})
    stream.respond({ ':status': 200 }, { endStream: true })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterAll(() => new Promise((resolve) => server.close(resolve)))

/** Right, but for a few changes. */
function randomHead(random: Random): Field[] {
  const fields = head(pick(random, ['GET', 'POST', 'HEAD', 'OPTIONS', 'CONNECT']))
  for (let i = 0; i < below(random, 3); i++) {
    const at = below(random, fields.length + 1)
    const name = fields[at]?.[0] ?? pick(random, names)
    const change = below(random, 4)
    if (change === 0) fields.splice(at, 1)
    else if (change === 1) fields.splice(at, 0, [pick(random, names), pick(random, values)])
    else if (change === 2) fields.push([pick(random, names), pick(random, values)])
    else fields[at] = [name, pick(random, values)]
  }
  return fields
}

/** Until each stream is answered or reset. */
async function sendToNode(requests: readonly Buffer[]): Promise<void> {
  read.clear()
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const over = new Set<number>()
  socket.on(
    'data',
    frameReader(({ type, stream }) => {
      if (type === frameTypes.headers || type === frameTypes.resetStream) over.add(stream)
      if (over.size === requests.length) socket.destroy()
    }),
  )
  socket.write(Buffer.concat([preface, settings({}), ...requests]))
  await once(socket, 'close')
  expect(over.size).toBe(requests.length)
}

it(`${count} heads are read as by nghttp2`, async () => {
  const random = randomFrom(9113)
  let accepted = 0
  for (let done = 0; done < count; done += atOnce) {
    const heads = Array.from({ length: atOnce }, () => ({ fields: randomHead(random), ends: random() < 0.7 }))
    const requests = heads.map(({ fields, ends }, i) => headers(2 * i + 1, fields, ends))
    const opened = await new Opened().after(...requests)
    await sendToNode(requests)
    for (const [i, { fields, ends }] of heads.entries()) {
      const ours = opened.begun.find(({ id }) => id === 2 * i + 1)?.request.rawHeaders
      expect({ fields, ends, read: ours }).toEqual({ fields, ends, read: read.get(2 * i + 1) })
      if (ours) accepted += 1
    }
    opened.connection.destroy()
  }
  expect(accepted).toBeGreaterThan(count / 3)
  expect(accepted).toBeLessThan(count)
})
