/** A peer that vanished without a word sends nothing ever again: only the kernel's keep-alive can find that out. */
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { rawSocket, readUntil, tlsSocket } from '../../gateway/clients.ts'
import { cleanUp, host, proxyTo, startGateway } from '../../gateway/support.ts'
import { rawUpstream } from '../../gateway/upstreams.ts'
import { openWire } from './h2-wire.ts'

afterEach(cleanUp)

/** Below the 60 s after which load balancers forget an idle connection. */
const longest = 60

/**
 * Seconds until the kernel asks the other side of this connection, from proc_net_tcp: `tr` is 2 while a keep-alive
 * timer runs, `tm->when` is in hundredths. Undefined: it never will.
 */
function keepAliveOf(local: number, remote: number): number | undefined {
  const port = (address = '') => Number.parseInt(address.split(':')[1] ?? '', 16)
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFileSync(file, 'utf8'))
  const rows = tables.flatMap((table) => table.trim().split('\n').slice(1)).map((line) => line.trim().split(/\s+/))
  const row = rows.find(([, from, to]) => port(from) === local && port(to) === remote)
  const [timer, when] = (row?.[5] ?? '').split(':')
  return timer === '02' ? Number.parseInt(when ?? '', 16) / 100 : undefined
}

const handshake =
  `GET /socket HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

describe.skipIf(process.platform !== 'linux')('a peer that vanishes is looked for by the kernel', () => {
  it('on connections of clients over h1, TLS h1 and h2, and on both sides of a tunnel', async () => {
    const upstreamPorts: number[] = []
    const behind = await rawUpstream((socket) => {
      upstreamPorts.push(socket.remotePort ?? 0)
      socket.once('data', (chunk) => {
        if (chunk.includes('/socket')) {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello')
        } else {
          socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: hello\n\n')
        }
      })
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const events = `GET /events HTTP/1.1\r\nHost: ${host}\r\n\r\n`
    const asked: readonly (readonly [Socket, number, string])[] = [
      [rawSocket(gateway.http), gateway.http, events],
      [tlsSocket(gateway.https), gateway.https, events],
      [rawSocket(gateway.http), gateway.http, handshake],
      [tlsSocket(gateway.https), gateway.https, handshake],
    ]
    for (const [socket, , bytes] of asked) {
      socket.write(bytes)
      await readUntil(socket, 'hello')
    }
    const h2 = tlsSocket(gateway.https, 'h2')
    const settled = new Promise((resolve) => h2.once('data', resolve))
    openWire(h2)
    await settled
    // What was just sent is acknowledged within milliseconds; only then the kernel's timer is that of keep-alive.
    const connections = [
      ...asked.map(([socket, port]) => [port, socket.localPort ?? 0] as const),
      [gateway.https, h2.localPort ?? 0] as const,
      ...upstreamPorts.map((port) => [port, behind.port] as const),
    ]
    expect(connections).toHaveLength(9)
    await expect
      .poll(() =>
        connections.map(([local, remote]) => keepAliveOf(local, remote) ?? Number.NaN).every((s) => s <= longest),
      )
      .toBe(true)
  })
})
