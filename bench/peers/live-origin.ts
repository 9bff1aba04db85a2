/**
 * `node live-origin.ts PORT EVENTS_A_SECOND`: an upstream with /live/echo, a WebSocket that echoes small messages
 * masked with zeros, and /live/events, an event stream whose events are the times at which they are written.
 */
import { createHash } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'

const [port = '', rate = ''] = process.argv.slice(2)
const readers = new Set<ServerResponse>()

setInterval(() => {
  for (const reader of readers) reader.write(`data: ${performance.timeOrigin + performance.now()}\n\n`)
}, 1000 / Number(rate))

createServer((request, response) => {
  if (request.url !== '/live/events') return void response.end('ok')
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  readers.add(response)
  response.on('close', () => readers.delete(response))
})
  .on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(
      `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
    )
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`,
    )
    socket.on('error', () => socket.destroy())
    let received: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      for (;;) {
        const length = (received[1] ?? 0) & 0x7f
        const end = 6 + length
        if (received.length < end) return
        // Unmasked: the mask is zeros.
        socket.write(Buffer.concat([Buffer.from([received[0] ?? 0, length]), received.subarray(6, end)]))
        received = received.subarray(end)
      }
    })
  })
  .listen(Number(port), '127.0.0.1', 4096)
