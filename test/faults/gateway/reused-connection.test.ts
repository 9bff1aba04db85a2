/** A pooled connection that is closed just as the next request is written to it. */
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, logged, protocols } from '../../gateway/clients.ts'
import { cleanUp, proxyTo, startGateway } from '../../gateway/support.ts'
import { rawUpstream, upstream } from '../../gateway/upstreams.ts'

afterEach(cleanUp)

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'

/**
 * Answers the first request of each connection. At the second one, of the chosen connections, it does not
 * answer but resets: as if the close had crossed the request on its way.
 */
async function fickle(resets: (connection: number) => boolean, leave = (socket: Socket) => socket.resetAndDestroy()) {
  const requests: string[] = []
  let connections = 0
  const behind = await rawUpstream((socket) => {
    connections += 1
    const connection = connections
    let count = 0
    socket.on('data', (chunk) => {
      if (!/^[A-Z]+ /.test(chunk.toString('latin1'))) return
      count += 1
      requests.push(`${connection}: ${chunk.toString('latin1').split(' ', 1)[0]}`)
      if (count > 1 && resets(connection)) leave(socket)
      else socket.write(answer)
    })
  })
  return { behind, requests }
}

describe.each(protocols)('over %s, a reused connection that is reset before any byte of an answer', (protocol) => {
  it.each(['GET', 'HEAD', 'OPTIONS', 'DELETE'])(
    'costs %s nothing: it is sent once more, on a new one',
    async (method) => {
      const { behind, requests } = await fickle(() => true)
      const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
      await ask(gateway, protocol)
      expect(await ask(gateway, protocol, { method })).toMatchObject({ status: 200 })
      expect(requests).toEqual(['1: GET', `1: ${method}`, `2: ${method}`])
      const record = await gateway.waitForRecord((seen) => seen.method === method && seen !== gateway.records[0])
      expect(record).toMatchObject({ ...logged[protocol], status: 200 })
      expect(record).not.toHaveProperty('error')
    },
  )

  it('costs nothing if it was closed instead of reset', async () => {
    const { behind } = await fickle(
      () => true,
      (socket) => socket.end(),
    )
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    await ask(gateway, protocol)
    expect(await ask(gateway, protocol)).toMatchObject({ status: 200, body: 'good' })
  })

  it.each([
    ['POST', 'a body'],
    ['POST', undefined],
    ['PATCH', undefined],
    ['PUT', 'a body'],
  ])('is a 502 to %s with body %s, which is never sent twice', async (method, body) => {
    const { behind, requests } = await fickle(() => true)
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    await ask(gateway, protocol)
    expect(await ask(gateway, protocol, { method, ...(body && { body }) })).toMatchObject({ status: 502 })
    expect(requests).toEqual(['1: GET', `1: ${method}`])
    expect(await gateway.waitForRecord(({ status }) => status === 502)).toMatchObject({
      ...logged[protocol],
      method,
      error: expect.stringMatching(/^upstream: /),
    })
  })
})

describe('a request that was sent once more', () => {
  it('is not sent a third time', async () => {
    let resets = false
    const requests: string[] = []
    const behind = await rawUpstream((socket) => {
      socket.on('data', (chunk) => {
        requests.push(chunk.toString('latin1').split(' ', 1)[0] ?? '')
        if (resets) socket.resetAndDestroy()
        else socket.write(answer)
      })
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    await ask(gateway, 'h1')
    resets = true
    expect(await ask(gateway, 'h1')).toMatchObject({ status: 502 })
    expect(requests).toHaveLength(3)
  })

  it('is none that failed on a new connection: a request that kills its upstream must not kill the next', async () => {
    let requests = 0
    const behind = await rawUpstream((socket) => {
      socket.on('data', () => {
        requests += 1
        socket.resetAndDestroy()
      })
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    expect(await ask(gateway, 'h1')).toMatchObject({ status: 502 })
    expect(requests).toBe(1)
  })

  it('is none of which the answer had begun', async () => {
    let requests = 0
    const behind = await rawUpstream((socket) => {
      socket.on('data', () => {
        requests += 1
        if (requests === 1) socket.write(answer)
        else socket.write('HTTP/1.1 200', () => socket.resetAndDestroy())
      })
    })
    const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
    await ask(gateway, 'h1')
    expect(await ask(gateway, 'h1')).toMatchObject({ status: 502 })
    expect(requests).toBe(2)
  })
})

describe.each([300, 1_000, 2_000, 5_000])(
  'a Node upstream that keeps idle connections for %i ms',
  (keepAliveTimeout) => {
    it('never costs a 502, whenever the next request comes', { timeout: 20_000 }, async () => {
      const behind = await upstream((request, response) => request.resume().on('end', () => response.end('good')))
      // Node closes this much later than it says; without it the race is as tight as it can be.
      Object.assign(behind.server, { keepAliveTimeout, keepAliveTimeoutBuffer: 0 })
      const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
      const round = () =>
        Promise.all(Array.from({ length: 10 }, () => ask(gateway, 'h1', { method: 'POST', body: 'x' })))
      await round()
      // All around the moment at which the upstream closes, and around those at which the pool does.
      const moments = Array.from({ length: 21 }, (_, i) => keepAliveTimeout - 20 + i * 2)
      const answers = await Promise.all(
        [...moments, keepAliveTimeout / 2, keepAliveTimeout - 2_000, 4_000].map(async (moment) => {
          await new Promise((resolve) => setTimeout(resolve, Math.max(moment, 1)))
          return round()
        }),
      )
      expect([...new Set(answers.flat().map(({ status }) => status))]).toEqual([200])
      expect(gateway.records.filter(({ error }) => error !== undefined)).toEqual([])
    })
  },
)
