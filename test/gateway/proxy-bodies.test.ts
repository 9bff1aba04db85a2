import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { METHODS } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, askOn, exchangeRaw, h2Session, logged, protocols, rawSocket, readUntil, tlsSocket } from './clients.ts'
import { cleanUp, host, proxyTo, startGateway } from './support.ts'
import { bodyOf, mirror, rawUpstream, type Seen, upstream, valuesOf } from './upstreams.ts'

afterEach(cleanUp)

describe.each(protocols)('requests and answers over %s', (protocol) => {
  it('have whatever method the client chose', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    // HEAD has no body to read, CONNECT asks for a tunnel.
    for (const method of METHODS.filter((name) => name !== 'CONNECT' && name !== 'HEAD')) {
      const { status, body } = await ask(gateway, protocol, { method })
      expect({ method, status, body }).toMatchObject({
        status: 200,
        body: expect.stringContaining(`"method":"${method}"`),
      })
    }
    expect(gateway.records.map(({ method }) => method)).toEqual(
      expect.arrayContaining(['PROPFIND', 'QUERY', 'PATCH', 'M-SEARCH']),
    )
  })

  it.each([
    ['text/plain', 'POST'],
    ['application/json', 'POST'],
    ['application/json', 'QUERY'],
    ['multipart/form-data; boundary=x', 'PUT'],
    ['application/x-www-form-urlencoded', 'PATCH'],
    ['very/odd; a="b', 'POST'],
    ['', 'DELETE'],
    [undefined, 'PROPFIND'],
    [undefined, 'GET'],
  ])('carry a body of type %s with %s, unparsed', async (type, method) => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const body = '{ not "json" \x00\xff'
    const headers = {
      'content-length': String(body.length),
      ...(type !== undefined && { 'content-type': type }),
    }
    const answer = await ask(gateway, protocol, { method, headers, body: Buffer.from(body, 'latin1') })
    const seen = JSON.parse(answer.body) as Seen
    expect(seen.body).toBe(body)
    expect(valuesOf(seen, 'content-type')).toEqual(type === undefined ? [] : [type])
    expect(valuesOf(seen, 'content-length')).toEqual([String(body.length)])
  })

  it('carry a body of unknown length', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const headers: Record<string, string> = protocol === 'h2' ? {} : { 'transfer-encoding': 'chunked' }
    const answer = await ask(gateway, protocol, { method: 'POST', headers, body: 'chunk' })
    const seen = JSON.parse(answer.body) as Seen
    expect(seen.body).toBe('chunk')
    expect(valuesOf(seen, 'transfer-encoding')).toEqual(['chunked'])
  })

  it('tell a POST without a body from one with an empty body as little as HTTP does', async () => {
    const behind = await mirror()
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const answer = await ask(gateway, protocol, { method: 'POST', headers: { 'content-length': '0' } })
    expect(valuesOf(JSON.parse(answer.body) as Seen, 'content-length')).toEqual(['0'])
  })

  it('pass megabytes both ways unchanged', async () => {
    const behind = await upstream((request, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' })
      request.pipe(response)
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const body = randomBytes(8 * 1024 * 1024)
    const answer = await ask(gateway, protocol, { method: 'POST', body })
    expect(digest(Buffer.from(answer.body, 'latin1'))).toBe(digest(body))
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      ...logged[protocol],
      bytes: body.length,
      status: 200,
    })
  })

  it('answer HEAD with the head alone', async () => {
    const behind = await upstream((_request, response) => response.writeHead(200, { 'content-length': 99 }).end())
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const { status, headers, body } = await ask(gateway, protocol, { method: 'HEAD' })
    expect({ status, length: headers['content-length'], body }).toEqual({ status: 200, length: '99', body: '' })
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ method: 'HEAD', bytes: 0, status: 200 })
  })

  it.each([204, 304])('answer %i without a body', async (status) => {
    const behind = await upstream((_request, response) => response.writeHead(status, { etag: '"a"' }).end())
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    expect(await ask(gateway, protocol)).toMatchObject({ status, body: '', headers: { etag: '"a"' } })
  })

  it('pass over early hints to the final answer', async () => {
    const behind = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n')
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfinal')
      })
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    expect(await ask(gateway, protocol)).toMatchObject({ status: 200, body: 'final' })
  })

  it('survive trailers of the upstream', async () => {
    const behind = await upstream((_request, response) => {
      response.writeHead(200, { Trailer: 'X-Checksum' })
      response.write('body')
      response.addTrailers({ 'X-Checksum': 'abc' })
      response.end()
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    expect(await ask(gateway, protocol)).toMatchObject({ status: 200, body: 'body' })
  })

  it('deliver the head of an event stream before its first event, and each event as it comes', async () => {
    let send: (text: string) => void = () => {}
    const behind = await upstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      send = (text) => void response.write(text)
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    if (protocol === 'h2') {
      const stream = h2Session(gateway).request({ ':path': '/events' })
      await new Promise((resolve) => stream.once('response', resolve))
      for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
        send(event)
        const chunk = await new Promise<Buffer>((resolve) => stream.once('data', resolve))
        expect(chunk.toString()).toBe(event)
      }
      stream.close()
    } else {
      const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
      socket.write(`GET /events HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      expect(await readUntil(socket, '\r\n\r\n')).toContain('text/event-stream')
      for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
        send(event)
        expect(await readUntil(socket, event)).toContain(event)
      }
      socket.destroy()
    }
    // Leaving is how such a stream ends: no 499.
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 200, path: '/events' })
    await behind.abandoned()
  })

  it('are answered 200 at a time', async () => {
    const behind = await upstream(async (request, response) => response.end(await bodyOf(request)))
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const session = protocol === 'h2' ? h2Session(gateway) : undefined
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => {
        const asking = { method: 'POST', body: `body ${i}` }
        return session ? askOn(session, asking) : ask(gateway, protocol, asking)
      }),
    )
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 200 }, (_, i) => `body ${i}`))
    await gateway.waitForRecord(() => gateway.records.length === 200)
  })
})

describe('an answer that comes before the upload is over', () => {
  it('is read by the client, and closes the connection: the rest of the upload is not worth its time', async () => {
    const behind = await upstream((request, response) => {
      response.writeHead(request.url === '/early' ? 401 : 200).end('answer')
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const socket = rawSocket(gateway.http)
    socket.write(`POST /early HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 8000000\r\n\r\n`)
    socket.write(Buffer.alloc(1_000_000))
    expect(await readUntil(socket, 'answer')).toContain('401 Unauthorized')
    await once(socket.resume(), 'end')
  })
})

describe('HTTP/1.0', () => {
  it('gets a body of unknown length up to the end of the connection', async () => {
    const behind = await upstream((_request, response) => {
      response.write('part ')
      response.end('whole')
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    const answer = await exchangeRaw(gateway.http, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(answer.endsWith('\r\n\r\npart whole')).toBe(true)
  })
})

function digest(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}
