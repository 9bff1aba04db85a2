/** A process whose port is another one at each start, and what is under way to the port before. */
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, logged, protocols, rawSocket, readUntil } from './clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway, whenOver } from './support.ts'
import { listening, upstream } from './upstreams.ts'

afterEach(cleanUp)

const route = proxyTo(0, { origin: 'http://127.0.0.1:{port}', process: 'app' })

function tell(gateway: RunningGateway, { port }: { readonly port: number }): void {
  gateway.gateway.setTargets({ app: { ready: true, phase: 'running', port } })
}

/**
 * A gateway before two programs, of which the first is the process. `held` are the requests that it does not answer.
 */
async function moving(answer?: RequestListener) {
  const held: ServerResponse[] = []
  const waiting = new Set<() => void>()
  const hold: RequestListener = (request, response) => {
    if (!request.url?.startsWith('/hold')) return void response.end('before')
    held.push(response)
    for (const look of waiting) look()
  }
  const before = await upstream(answer ?? hold)
  const after = await upstream((_request, response) => void response.end('after'))
  const gateway = await startGateway({ routes: [route] })
  tell(gateway, before)
  const untilHeld = (count: number) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (held.length < count) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  return { before, after, gateway, held, untilHeld }
}

describe.each(protocols)('a process whose port changes, over %s', (protocol) => {
  it('is dialled at its new port, and idle connections to the old port are closed', async () => {
    const { before, after, gateway } = await moving()
    expect((await ask(gateway, protocol)).body).toBe('before')
    tell(gateway, after)
    await before.abandoned()
    expect((await ask(gateway, protocol)).body).toBe('after')
    expect(await before.connections()).toBe(0)
  })

  it('gives the answers that are under way before it is left', async () => {
    const { before, after, gateway, held, untilHeld } = await moving()
    const slow = [ask(gateway, protocol, { path: '/hold' })]
    await untilHeld(1) // Each has a connection of its own: sent at once, the second may arrive first.
    slow.push(ask(gateway, protocol, { path: '/hold' }))
    await untilHeld(2)
    tell(gateway, after)
    let over = false
    const parted = gateway.gateway.drainTarget(`127.0.0.1:${before.port}`, 10_000).finally(() => {
      over = true
    })
    expect((await ask(gateway, protocol)).body).toBe('after')
    held[0]?.end('the one')
    expect((await slow[0])?.body).toBe('the one')
    expect(over).toBe(false)
    held[1]?.end('and the other')
    expect(await parted).toBe(0)
    expect((await slow[1])?.body).toBe('and the other')
    await before.abandoned()
  })

  it('cuts what takes too long: with 503 if nothing of the answer was sent, visibly if it was begun', async () => {
    const { before, after, gateway, held, untilHeld } = await moving()
    const unanswered = ask(gateway, protocol, { path: '/hold' })
    await untilHeld(1)
    const begun = ask(gateway, protocol, { path: '/hold/begun' })
    const cut = expect(begun).rejects.toThrow()
    await untilHeld(2)
    held[1]?.write('half of')
    await expect.poll(() => held[1]?.writableLength).toBe(0)
    tell(gateway, after)
    expect(await gateway.gateway.drainTarget(`127.0.0.1:${before.port}`, 50)).toBe(2)
    expect((await unanswered).status).toBe(503)
    await cut
    const { error } = await gateway.waitForRecord(({ path }) => path === '/hold')
    expect(error).toBe('the process was replaced, and this answer took too long')
    expect(await gateway.waitForRecord(({ path }) => path === '/hold/begun')).toMatchObject(logged[protocol])
    await before.abandoned()
  })

  it('ends event streams, so that their clients connect anew', async () => {
    const { before, after, gateway } = await moving((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
    })
    const stream = ask(gateway, protocol)
    await expect.poll(() => before.connections()).toBe(1)
    tell(gateway, after)
    expect(await gateway.gateway.drainTarget(`127.0.0.1:${before.port}`, 10_000)).toBe(0)
    expect((await stream).body).toBe('data: 1\n\n')
    await before.abandoned()
  })
})

describe('a process whose port changes', () => {
  it('takes leave of its WebSockets with 1001', async () => {
    const server = await listening(createServer())
    server.server.on('upgrade', (_request, socket: Socket) => {
      socket.on('error', () => {})
      socket.on('end', () => socket.end()).resume()
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      whenOver(() => socket.destroy())
    })
    const gateway = await startGateway({ routes: [route] })
    tell(gateway, server)
    const client = rawSocket(gateway.http)
    client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
    await readUntil(client, '\r\n\r\n')
    const goodbye = readUntil(client, '\x88\x02\x03\xe9') // RFC 6455 §7.4.1
    const after = await upstream((_request, response) => void response.end('after'))
    tell(gateway, after)
    expect(await gateway.gateway.drainTarget(`127.0.0.1:${server.port}`, 10_000)).toBe(0)
    await goodbye
    client.resume()
    await server.abandoned()
  })

  it('is followed by the routes of a plan that is applied later, too', async () => {
    const { after, gateway } = await moving()
    tell(gateway, after)
    await gateway.apply({ routes: [route, { ...route, timeouts: { connect: 1_000, response: 1_000 } }] })
    expect((await ask(gateway, 'h1')).body).toBe('after')
  })

  it('is 503 while its port is unknown, and stays where it was while it has no process', async () => {
    const behind = await upstream((_request, response) => void response.end('there'))
    const gateway = await startGateway({ routes: [route] })
    expect((await ask(gateway, 'h1')).status).toBe(503)
    tell(gateway, behind)
    expect((await ask(gateway, 'h1')).body).toBe('there')
    gateway.gateway.setTargets({ app: { ready: false, phase: 'starting' } })
    expect((await ask(gateway, 'h1')).status).toBe(503)
    tell(gateway, behind)
    expect((await ask(gateway, 'h1')).body).toBe('there')
  })
})
