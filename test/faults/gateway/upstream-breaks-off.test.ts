/** An upstream that leaves in the middle: the client's stream is destroyed, and an early answer is still relayed. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, askOn, h2Session, logged, protocols, rawSocket, readUntil, tlsSocket } from '../../gateway/clients.ts'
import { cleanUp, host, proxyTo, startGateway } from '../../gateway/support.ts'
import { rawUpstream, upstream } from '../../gateway/upstreams.ts'

afterEach(cleanUp)

const leaves: readonly (readonly [string, (socket: Socket) => unknown])[] = [
  ['resets', (socket) => socket.resetAndDestroy()],
  ['closes', (socket) => socket.end()],
]

describe.each(protocols)('over %s', (protocol) => {
  for (const [how, leave] of leaves) {
    it.each([
      ['a known length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'],
      ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ])(`an upstream that ${how} in a body of %s never makes it look whole`, async (_what, bytes) => {
      const behind = await rawUpstream((socket) => {
        socket.once('data', () => socket.write(bytes, () => setImmediate(leave, socket)))
      })
      const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
      await expect(ask(gateway, protocol)).rejects.toThrow(
        protocol === 'h2' ? /INTERNAL_ERROR|reset/ : /ECONNRESET|aborted|hang up/,
      )
      expect(await gateway.waitForRecord(() => true)).toMatchObject({
        ...logged[protocol],
        status: 200,
        error: expect.stringMatching(/^upstream: /),
      })
      await behind.abandoned()
    })
  }

  it('an answer that comes before the upload is over is relayed, then the connection or stream is closed', async () => {
    const behind = await upstream((_request, response) => response.writeHead(401).end('not you'))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    if (protocol === 'h2') {
      const session = h2Session(gateway)
      const stream = session.request({ ':method': 'POST', ':path': '/', ':authority': host })
      stream.on('error', () => {})
      stream.write(Buffer.alloc(200_000))
      const [head] = await once(stream, 'response')
      expect(head[':status']).toBe(401)
      let body = ''
      stream.on('data', (chunk) => {
        body += chunk
      })
      await once(stream, 'close')
      expect(body).toBe('not you')
      await behind.abandoned()
      // Its neighbours go on.
      expect((await askOn(session)).status).toBe(401)
    } else {
      const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
      socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 8000000\r\n\r\n`)
      socket.write(Buffer.alloc(200_000))
      const answer = await readUntil(socket, 'not you')
      expect(answer).toMatch(/^HTTP\/1\.1 401 /)
      expect(answer.toLowerCase()).toContain('connection: close')
      await once(socket.resume(), 'end')
    }
    const record = await gateway.waitForRecord(() => true)
    expect(record).toMatchObject({ ...logged[protocol], status: 401 })
    expect(record).not.toHaveProperty('error')
  })
})
