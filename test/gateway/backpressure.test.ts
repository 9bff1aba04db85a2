import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { h2Session, protocols, rawSocket, readUntil, tlsSocket } from './clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway } from './support.ts'
import { upstream } from './upstreams.ts'

afterEach(cleanUp)

/** What kernel buffers and ours may hold together; the bodies are far larger. */
const bound = 24 * 1024 * 1024
const size = 96 * 1024 * 1024
const chunk = Buffer.alloc(256 * 1024, 'x')

describe.each(protocols)('backpressure over %s', (protocol) => {
  it('stops the upstream of a client that does not read, and resumes it afterwards', async () => {
    let written = 0
    let stalled: () => void = () => {}
    const waiting = new Promise<void>((resolve) => {
      stalled = resolve
    })
    const behind = await upstream((_request, response) => {
      response.writeHead(200, { 'content-length': size })
      const write = () => {
        while (written < size) {
          written += chunk.length
          if (!response.write(chunk)) {
            // No drain for half a second: the connection is full from here to the client.
            const timer = setTimeout(stalled, 500)
            response.once('drain', () => {
              clearTimeout(timer)
              write()
            })
            return
          }
        }
        response.end()
      }
      write()
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const client = await openPaused(gateway, protocol)
    await waiting
    expect(written).toBeLessThan(bound)
    expect(await client.readToEnd()).toBeGreaterThanOrEqual(size)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 200, bytes: size })
  })

  it('stops the client of an upstream that does not read', async () => {
    let arrived: (request: IncomingMessage) => void = () => {}
    const held = new Promise<IncomingMessage>((resolve) => {
      arrived = resolve
    })
    const behind = await upstream((request, response) => {
      request.pause()
      arrived(request)
      request.on('end', () => response.end('all read'))
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const upload = openUpload(gateway, protocol)
    const request = await held
    expect(await upload.sentUntilStalled()).toBeLessThan(bound)
    request.resume()
    expect(await upload.answer()).toContain('all read')
  })
})

async function openPaused(gateway: RunningGateway, protocol: (typeof protocols)[number]) {
  if (protocol === 'h2') {
    const stream = h2Session(gateway).request({ ':path': '/', ':authority': host })
    await new Promise((resolve) => stream.once('response', resolve))
    return {
      async readToEnd() {
        let read = 0
        for await (const part of stream) read += (part as Buffer).length
        return read
      },
    }
  }
  const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  await readUntil(socket, '\r\n\r\n')
  return {
    async readToEnd() {
      let read = 256 * 1024 // what may have come with the head
      for await (const part of socket) read += (part as Buffer).length
      return read
    },
  }
}

function openUpload(gateway: RunningGateway, protocol: (typeof protocols)[number]) {
  let sink: NodeJS.WritableStream
  let answer: () => Promise<string>
  if (protocol === 'h2') {
    const stream = h2Session(gateway).request({ ':path': '/', ':method': 'POST', ':authority': host })
    sink = stream
    answer = async () => {
      let body = ''
      for await (const part of stream) body += String(part)
      return body
    }
  } else {
    const socket: Socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
    socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${size}\r\n\r\n`)
    sink = socket
    answer = () => readUntil(socket, 'all read')
  }
  let sent = 0
  let stalled: () => void = () => {}
  const waiting = new Promise<void>((resolve) => {
    stalled = resolve
  })
  const write = () => {
    while (sent < size) {
      sent += chunk.length
      if (!sink.write(chunk)) {
        const timer = setTimeout(stalled, 500)
        sink.once('drain', () => {
          clearTimeout(timer)
          write()
        })
        return
      }
    }
    if (protocol === 'h2') sink.end()
  }
  write()
  return {
    async sentUntilStalled() {
      await waiting
      return sent
    },
    answer,
  }
}
