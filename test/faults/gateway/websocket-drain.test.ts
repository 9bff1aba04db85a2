/** What a WebSocket's client reads when the gateway ends under it. */
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { rawSocket, readUntil, text, tlsSocket } from '../../gateway/clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway, whenOver } from '../../gateway/support.ts'
import { listening, rawUpstream } from '../../gateway/upstreams.ts'

afterEach(cleanUp)

describe.each(['h1', 'h1s'] as const)('over %s', (protocol) => {
  function dial(gateway: RunningGateway): Socket {
    return protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
  }

  it('a real client gets 1001, and its server sees it close as it should', async () => {
    const server = createServer()
    const sockets = new WebSocketServer({ server })
    const serverSaw = new Promise<number>((resolve) =>
      sockets.on('connection', (socket) => {
        socket.on('close', resolve)
        socket.send('x'.repeat(100_000))
      }),
    )
    const behind = await listening(server)
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const client = new WebSocket(`ws://${host}/`, [], { createConnection: () => dial(gateway) })
    whenOver(() => client.terminate())
    await new Promise((resolve) => client.once('message', resolve))
    const closed = new Promise<number>((resolve) => client.once('close', resolve))
    expect(await gateway.gateway.drain(1_000)).toBe(0)
    expect(await closed).toBe(1001)
    expect(await serverSaw).toBe(1001)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ protocol: 'websocket', status: 101 })
    await behind.abandoned()
  })

  it.each([
    ['between two frames', Buffer.from([0x81, 2, 65, 66]), Buffer.from([0x88, 2, 3, 0xe9])],
    ['in the middle of a frame', Buffer.from([0x81, 5, 65, 66]), Buffer.alloc(0)],
    ['behind what is no WebSocket', Buffer.from('hello'), Buffer.alloc(0)],
    ['behind a Close of the server', Buffer.from([0x88, 2, 3, 0xe8]), Buffer.alloc(0)],
  ])('%s the client reads what it may, and the end', async (_where, sent, last) => {
    const behind = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
        socket.write(sent)
      })
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = dial(gateway)
    socket.write(
      `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    await readUntil(socket, sent.toString('latin1'))
    const rest = text(socket)
    await gateway.gateway.drain(1_000)
    expect(Buffer.from(await rest, 'latin1')).toEqual(last)
    await behind.abandoned()
  })
})
