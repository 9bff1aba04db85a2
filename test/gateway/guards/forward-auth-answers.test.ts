import { afterEach, describe, expect, it } from 'vitest'
import { ask, protocols } from '../clients.ts'
import { cleanUp } from '../support.ts'
import { rawUpstream, type Seen, valuesOf } from '../upstreams.ts'
import { asking, service } from './auth-support.ts'

afterEach(cleanUp)

describe.each(protocols)('an answer of the service over %s', (protocol) => {
  it.each([
    ['RTSP/1.0 401 No\r\nContent-Length: 0\r\n\r\n', 502],
    ['HTTP/1.1 401 No\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n', 502],
    ['HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 502],
    ['HTTP/1.1 999 No\r\nContent-Length: 2\r\n\r\nno', 999],
    ['HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno', 403],
    ['HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n', 502],
    ['HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\nno', 502],
  ])('%j is answered, and denies', async (bytes, status) => {
    const auth = await rawUpstream((socket) => void socket.on('data', () => socket.write(bytes)))
    const { gateway, behind } = await asking(auth.port)
    expect((await ask(gateway, protocol)).status).toBe(status)
    expect(await behind.connections()).toBe(0)
  })

  it('is 502 when its head is longer than the limit', async () => {
    const auth = await rawUpstream(
      (socket) => void socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\nA: ${'a'.repeat(70_000)}\r\n\r\n`)),
    )
    const { gateway } = await asking(auth.port)
    expect((await ask(gateway, protocol)).status).toBe(502)
  })

  it('that is cut is cut for the client', async () => {
    const auth = await rawUpstream(
      (socket) =>
        void socket.on('data', () => {
          socket.write('HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nhalf', () => socket.resetAndDestroy())
        }),
    )
    const { gateway } = await asking(auth.port)
    await expect(ask(gateway, protocol)).rejects.toThrow()
  })
})

it('one connection carries request after request, even if answers have bodies; a long body costs its connection', async () => {
  const ports = new Set<number | undefined>()
  const auth = await service((request, response) => {
    ports.add(request.socket.remotePort)
    response.end('welcome')
  })
  const { gateway } = await asking(auth.port)
  for (let i = 0; i < 3; i++) expect((await ask(gateway, 'h1')).status).toBe(200)
  expect(ports.size).toBe(1)
  const wordy = await service((_request, response) => response.end('a'.repeat(3_000_000)))
  const other = await asking(wordy.port)
  for (let i = 0; i < 3; i++) expect((await ask(other.gateway, 'h1')).status).toBe(200)
  await wordy.abandoned()
})

it('an idle connection to the service that turns out to be closed is retried once', async () => {
  const auth = await rawUpstream((socket) => {
    let asked = 0
    socket.on('data', () => {
      asked += 1
      if (asked === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      else socket.resetAndDestroy()
    })
  })
  const { gateway } = await asking(auth.port)
  for (let i = 0; i < 4; i++) expect((await ask(gateway, 'h1')).status).toBe(200)
})

it.each([
  ['a length', 'Content-Length: 5\r\n\r\n'],
  ['chunks', 'Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n'],
  ['neither', '\r\n'],
])('a yes whose body with %s never ends takes no connection to the service for ever', async (_how, rest) => {
  const open = new Set<unknown>()
  let asked = 0
  const auth = await rawUpstream((socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    socket.on('data', () => {
      asked += 1
      socket.write(`HTTP/1.1 200 OK\r\n${asked > 140 ? 'Content-Length: 0\r\n\r\n' : rest}`)
    })
  })
  const { gateway } = await asking(auth.port)
  // More than there are connections to a service. Those that wait for one get it when the time of the others is over.
  const answers = await Promise.all(Array.from({ length: 140 }, () => ask(gateway, 'h1')))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect((await ask(gateway, 'h1')).status).toBe(200)
  await expect.poll(() => open.size, { timeout: 5_000 }).toBeLessThanOrEqual(1)
})

it('the body of a no to HEAD is read for a moment only', async () => {
  const auth = await service((_request, response) => void response.writeHead(403).write('not'))
  const { gateway } = await asking(auth.port)
  expect((await ask(gateway, 'h1', { method: 'HEAD' })).status).toBe(403)
  await auth.abandoned()
})

it.each(protocols)('a no over %s whose body stands still is ended, and its connection with it', async (protocol) => {
  const auth = await service((_request, response) => void response.writeHead(403).write('not'))
  const { gateway } = await asking(auth.port, {}, { stallTimeout: 200 })
  await expect(ask(gateway, protocol)).rejects.toThrow()
  await auth.abandoned()
  expect((await gateway.waitForRecord(({ status }) => status === 403)).error).toMatch(/^stalled: /)
})

describe.each(protocols)('a condition of the client over %s', (protocol) => {
  it('concerns what it asks for, and is not put to the service', async () => {
    const auth = await service((_request, response) => response.writeHead(204).end())
    const { gateway } = await asking(auth.port)
    const headers = {
      'if-match': '"a"',
      'if-none-match': '"a"',
      'if-modified-since': 'Sat, 01 Jan 2022 00:00:00 GMT',
      'if-unmodified-since': 'Sat, 01 Jan 2022 00:00:00 GMT',
      'if-range': '"a"',
      range: 'bytes=0-1',
    }
    const behind = JSON.parse((await ask(gateway, protocol, { headers })).body) as Seen
    for (const [name, value] of Object.entries(headers)) {
      expect([name, valuesOf(auth.asked[0] as Seen, name)]).toEqual([name, []])
      expect([name, valuesOf(behind, name)]).toEqual([name, [value]])
    }
  })
})
