/**
 * The client leaves: its upstream is let go within 100 ms, 499 in the log, no target blamed, nothing left open. Over h1
 * it leaves with a reset; one that only ends its side may still read its answer (half-close.test.ts).
 */
import { afterEach, describe, expect, it } from 'vitest'
import { h2Session, logged, openHttp1, protocols, rawSocket, tlsSocket } from '../../gateway/clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway } from '../../gateway/support.ts'
import { rawUpstream, upstream } from '../../gateway/upstreams.ts'

afterEach(cleanUp)

type Protocol = (typeof protocols)[number]

/** Sends a head and, if there is one, a part of a body; the result leaves. */
function begin(gateway: RunningGateway, protocol: Protocol, part = ''): () => void {
  const method = part === '' ? 'GET' : 'POST'
  if (protocol === 'h2') {
    const session = h2Session(gateway)
    const head = { ':method': method, ':path': '/', ':authority': host }
    const stream = session.request(head, { endStream: part === '' })
    stream.on('error', () => {})
    stream.resume()
    if (part !== '') stream.write(part)
    return () => session.destroy()
  }
  const { socket, wire } = openHttp1(gateway, protocol)
  const framing = part === '' ? '' : 'Transfer-Encoding: chunked\r\n'
  socket.write(`${method} / HTTP/1.1\r\nHost: ${host}\r\n${framing}\r\n`)
  if (part !== '') socket.write(`${part.length.toString(16)}\r\n${part}\r\n`)
  socket.resume()
  return () => void wire.resetAndDestroy()
}

describe.each(protocols)('over %s, a client that leaves', (protocol) => {
  it.each(['while its upstream thinks', 'in the middle of its upload', 'in the middle of the answer'])(
    '%s',
    async (when) => {
      const arrived = Promise.withResolvers<void>()
      const behind =
        when === 'in the middle of the answer'
          ? await upstream((_request, response) => {
              response.write('first part')
              setImmediate(arrived.resolve)
            })
          : await rawUpstream((socket) => socket.once('data', () => setImmediate(arrived.resolve)))
      const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
      const leave = begin(gateway, protocol, when === 'in the middle of its upload' ? 'half a body' : '')
      await arrived.promise
      const left = performance.now()
      leave()
      await behind.abandoned()
      // Some milliseconds, unless the machine is busy; no other limit ends it this soon.
      expect(performance.now() - left).toBeLessThan(1_000)
      const record = await gateway.waitForRecord(() => true)
      expect(record).toMatchObject({ ...logged[protocol], status: 499 })
      expect(record).not.toHaveProperty('error')
    },
  )

  it('fifty times leaves nothing open', async () => {
    let arrived = () => {}
    const behind = await rawUpstream((socket) => socket.once('data', () => arrived()))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    for (let i = 0; i < 50; i++) {
      const there = new Promise<void>((resolve) => {
        arrived = resolve
      })
      const leave = begin(gateway, protocol)
      await there
      leave()
    }
    await behind.abandoned()
    await gateway.waitForRecord(() => gateway.records.length === 50)
    expect(new Set(gateway.records.map(({ status }) => status))).toEqual(new Set([499]))
  })
})

describe.each(['h1', 'h1s'] as const)('over %s, a client that wants an upgrade', (protocol) => {
  it('and leaves before the upstream has agreed', async () => {
    const arrived = Promise.withResolvers<void>()
    const behind = await rawUpstream((socket) => socket.once('data', () => setImmediate(arrived.resolve)))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
    socket.write(
      `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    await arrived.promise
    const left = performance.now()
    socket.destroy()
    await behind.abandoned()
    // Some milliseconds, unless the machine is busy; no other limit ends it this soon.
    expect(performance.now() - left).toBeLessThan(1_000)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ ...logged[protocol], status: 499 })
  })
})
