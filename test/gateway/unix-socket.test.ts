/** Programs that answer on a Unix socket: `to: unix:/run/app.sock`. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { socketOrigin } from '../../src/shared/net/socket-origin.ts'
import { exchangeMessage, openWebSocket } from '../e2e/support/clients.ts'
import { ask, protocols } from './clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway, temporaryFolder, whenOver } from './support.ts'

afterEach(cleanUp)

async function behindSocket(): Promise<RunningGateway> {
  const path = join(await temporaryFolder(), 'app.sock')
  const server = createServer((request, response) => {
    response.end(`${request.method} ${request.url} for ${request.headers.host}`)
  })
  new WebSocketServer({ server }).on('connection', (socket: WebSocket) => {
    socket.on('message', (message) => socket.send(`behind the socket: ${message}`))
  })
  await once(server.listen(path), 'listening')
  whenOver(() => server.close().closeAllConnections())
  return startGateway({ routes: [proxyTo(0, { origin: socketOrigin(path) })] })
}

it.each(protocols)('requests over %s reach a program on its Unix socket, with their own host', async (protocol) => {
  const gateway = await behindSocket()
  for (const path of ['/a?b=c', '/again']) {
    const answer = await ask(gateway, protocol, { path })
    expect([answer.status, answer.body]).toEqual([200, `GET ${path} for ${host}`])
  }
})

it('a WebSocket is tunnelled to a Unix socket', async () => {
  const gateway = await behindSocket()
  const socket = await openWebSocket(`http://127.0.0.1:${gateway.http}`, '/live')
  expect(await exchangeMessage(socket, 'hello')).toBe('behind the socket: hello')
  socket.terminate()
})

it('a socket without a listener is answered 502, and the log names it', async () => {
  const path = join(await temporaryFolder(), 'unused.sock')
  const gateway = await startGateway({ routes: [proxyTo(0, { origin: socketOrigin(path) })] })
  const answer = await ask(gateway, 'h1')
  expect(answer.status).toBe(502)
  expect(answer.body).not.toContain(path)
  const record = await gateway.waitForRecord(({ status }) => status === 502)
  expect(record.error).toContain(path)
})
