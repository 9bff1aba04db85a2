/** WebSockets over bare sockets, cheaper than a library: text messages of 16 bytes, masked with zeros. */
import type { Socket } from 'node:net'
import { percentile } from '../measure/statistics.ts'
import type { LoadResult } from './load.ts'
import { closeSockets, inGroups, openSockets, request } from './sockets.ts'

const payload = Buffer.from('sixteen bytes ok')
const message = Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload])
const echo = Buffer.concat([Buffer.from([0x81, payload.length]), payload])

/** Opens WebSockets to a path below /live/ that echoes. */
export async function openWebSockets(port: number, count: number): Promise<Socket[]> {
  const sockets = await openSockets(port, count)
  const upgrade = [
    'GET /live/echo HTTP/1.1',
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: c2l4dGVlbiBieXRlcyBvaw==',
  ].join('\r\n')
  try {
    await inGroups(sockets, async (socket) => {
      const { status } = await request(socket, `${upgrade}\r\n\r\n`)
      if (status !== 101) throw new Error(`the server answers ${status} to an upgrade`)
    })
    return sockets
  } catch (error) {
    closeSockets(sockets)
    throw error
  }
}

/** Each WebSocket sends its next message when the echo of the last one has arrived. */
export async function echoes(sockets: readonly Socket[], seconds: number): Promise<LoadResult> {
  const durations: number[] = []
  let failures = 0
  let running = true
  const started = performance.now()
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<void>((resolve) => {
          let sent = 0
          let received: Buffer = Buffer.alloc(0)
          const end = () => {
            socket.off('data', onData)
            socket.off('close', onClose)
            resolve()
          }
          const send = () => {
            sent = performance.now()
            socket.write(message)
          }
          const onClose = () => {
            failures += 1
            end()
          }
          const onData = (chunk: Buffer) => {
            received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
            if (received.length < echo.length) return
            if (received.equals(echo)) durations.push(performance.now() - sent)
            else failures += 1
            received = Buffer.alloc(0)
            if (running) send()
            else end()
          }
          socket.on('data', onData).once('close', onClose)
          send()
          setTimeout(() => {
            running = false
          }, seconds * 1000)
        }),
    ),
  )
  const requests = durations.length
  const rate = requests / ((performance.now() - started) / 1000)
  return { requests, rate, p50: percentile(durations, 0.5), p99: percentile(durations, 0.99), failures }
}
