/**
 * What Autobahn's test suite asks (it wants Python 2, which no system of today has): every sequence of frames, sound or
 * not, gets through the gateway the bytes that it gets from the `ws` server itself.
 */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { rawSocket, readUntil, tlsSocket } from '../../gateway/clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway } from '../../gateway/support.ts'
import { listening, type Upstream } from '../../gateway/upstreams.ts'

let behind: Upstream
let gateway: RunningGateway

beforeAll(async () => {
  const server = createServer()
  const sockets = new WebSocketServer({ server, maxPayload: 20_000_000, perMessageDeflate: false })
  sockets.on('connection', (socket) => {
    socket.on('error', () => {})
    socket.on('message', (message, binary) => socket.send(message, { binary }))
  })
  behind = await listening(server)
  gateway = await startGateway({ routes: [proxyTo(behind.port)] })
})
afterAll(cleanUp)

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

interface FrameOptions {
  readonly payload?: Buffer | string
  readonly final?: boolean
  readonly reserved?: number
  readonly masked?: boolean
}

/** RFC 6455 §5.2. The mask is fixed: both ways must send the same bytes. */
function frame(opcode: keyof typeof opcodes | number, options: FrameOptions = {}): Buffer {
  const { payload = '', final = true, reserved = 0, masked = true } = options
  const body = Buffer.from(payload as string)
  const code = typeof opcode === 'number' ? opcode : opcodes[opcode]
  const head = [(final ? 0x80 : 0) | (reserved << 4) | code]
  const bit = masked ? 0x80 : 0
  if (body.length < 126) head.push(bit | body.length)
  else if (body.length < 65_536) head.push(bit | 126, body.length >> 8, body.length & 0xff)
  else head.push(bit | 127, 0, 0, 0, 0, ...[24, 16, 8, 0].map((shift) => (body.length >>> shift) & 0xff))
  if (!masked) return Buffer.concat([Buffer.from(head), body])
  const mask = [0x37, 0xfa, 0x21, 0x3d]
  return Buffer.concat([Buffer.from(head), Buffer.from(mask), body.map((byte, i) => byte ^ (mask[i % 4] ?? 0))])
}

const bytes = (...values: readonly number[]) => Buffer.from(values)
const code = (value: number, reason = '') => Buffer.concat([bytes(value >> 8, value & 0xff), Buffer.from(reason)])
const close = frame('close', { payload: code(1000) })
const large = randomBytes(1_000_000)

const lengths = [0, 1, 125, 126, 127, 128, 65_535, 65_536, 65_537]

const rows: readonly (readonly [string, ...Buffer[]])[] = [
  ...lengths.map((n) => [`text of ${n} bytes`, frame('text', { payload: 'a'.repeat(n) })] as const),
  ...lengths.map((n) => [`${n} bytes`, frame('binary', { payload: large.subarray(0, n) })] as const),
  ['a megabyte', frame('binary', { payload: large })],
  ['a ping', frame('ping')],
  ['a ping with 125 bytes', frame('ping', { payload: 'p'.repeat(125) })],
  ['a ping with 126 bytes', frame('ping', { payload: 'p'.repeat(126) })],
  ['a ping in two frames', frame('ping', { final: false }), frame('continuation')],
  ['ten pings', ...Array.from({ length: 10 }, (_, i) => frame('ping', { payload: `${i}` }))],
  ['a pong unasked', frame('pong', { payload: 'x' })],
  ...[1, 2, 4, 7].map((reserved) => [`reserved bits ${reserved}`, frame('text', { payload: 'a', reserved })] as const),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
    (opcode) => [`opcode ${opcode}`, frame(opcode, { payload: 'a' })] as const,
  ),
  ['no mask', frame('text', { payload: 'a', masked: false })],
  ['two fragments', frame('text', { payload: 'a', final: false }), frame('continuation', { payload: 'b' })],
  [
    'a ping between fragments',
    frame('text', { payload: 'a', final: false }),
    frame('ping', { payload: 'p' }),
    frame('continuation', { payload: 'b' }),
  ],
  ['a text between fragments', frame('text', { payload: 'a', final: false }), frame('text', { payload: 'b' })],
  ['a continuation of nothing', frame('continuation', { payload: 'a' })],
  [
    'a hundred fragments',
    frame('text', { payload: 'a', final: false }),
    ...Array.from({ length: 99 }, (_, i) => frame('continuation', { payload: 'b', final: i === 98 })),
  ],
  ['UTF-8', frame('text', { payload: 'κόσμε 🙂' })],
  [
    'UTF-8 cut between fragments',
    frame('text', { payload: bytes(0xce), final: false }),
    frame('continuation', { payload: bytes(0xba) }),
  ],
  ['no UTF-8', frame('text', { payload: bytes(0xce, 0xba, 0xed, 0xa0, 0x80) })],
  ['half a character', frame('text', { payload: bytes(0xce) })],
  ['an overlong character', frame('text', { payload: bytes(0xc0, 0xaf) })],
  ['close without a code', frame('close')],
  ['close with one byte', frame('close', { payload: bytes(3) })],
  ['close with a reason', frame('close', { payload: code(1000, 'bye') })],
  ['close with a reason that is no UTF-8', frame('close', { payload: Buffer.concat([code(1000), bytes(0xce)]) })],
  ['close with 126 bytes', frame('close', { payload: code(1000, 'r'.repeat(124)) })],
  ...[1001, 1002, 1003, 1007, 1011, 3000, 4999].map(
    (value) => [`close ${value}`, frame('close', { payload: code(value) })] as const,
  ),
  ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535].map(
    (value) => [`close ${value}, which is none`, frame('close', { payload: code(value) })] as const,
  ),
  ['a text behind close', close, frame('text', { payload: 'late' })],
  ['a length that has a bit too many', bytes(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0)],
]

const handshake =
  `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

/**
 * Everything behind the server's head until it closes. A sound close follows, which it answers unless it has closed
 * before.
 */
async function transcript(socket: Socket, frames: readonly Buffer[]): Promise<string> {
  socket.write(handshake)
  const head = await readUntil(socket, '\r\n\r\n')
  const parts: Buffer[] = [Buffer.from(head.slice(head.indexOf('\r\n\r\n') + 4), 'latin1')]
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => parts.push(chunk))
    socket.once('close', () => resolve(Buffer.concat(parts).toString('hex')))
    socket.resume()
    for (const part of frames) socket.write(part)
    socket.write(close)
  })
}

describe.each(['h1', 'h1s'] as const)(
  'frames through a tunnel over %s get the same bytes as without one',
  (protocol) => {
    it.each(rows.map(([name, ...frames]) => ({ name, frames })))('$name', async ({ frames }) => {
      const direct = await transcript(rawSocket(behind.port), frames)
      const through = await transcript(protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https), frames)
      expect(through).toBe(direct)
      expect(through.length).toBeGreaterThan(0)
    })
  },
)
