import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { dirname, join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { readStatus } from '../../src/control/client/client.ts'
import { unprivileged } from '../unprivileged.ts'
import { sampleStatus, temporaryFolder } from './fixture.ts'

let socket: string
beforeEach(async () => {
  socket = join(await temporaryFolder(), 'gatehouse.sock')
})

async function serve(answer: RequestListener): Promise<void> {
  const server = createServer(answer).listen(socket)
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
}

test('a socket that is not there, or dead, means that nothing runs, and what to look at', async () => {
  const notRunning = {
    name: 'GatehouseError',
    code: 'not-running',
    message: `no gatehouse listens on ${socket}; start it with \`gatehouse run\`, or check \`control.socket\` in the config file`,
  }
  await expect(readStatus(socket)).rejects.toMatchObject(notRunning)
  await writeFile(socket, '')
  await expect(readStatus(socket)).rejects.toMatchObject(notRunning)
})

test('an answer that drags on is given up in time', async () => {
  await serve((_request, response) => {
    response.write('{')
  })
  await expect(readStatus(socket, 100)).rejects.toMatchObject({
    code: 'control-failed',
    message: `${socket}: accepted the connection, but no answer within 100 ms`,
  })
})

test('fields that a newer gatehouse adds are passed over', async () => {
  await serve((_request, response) => response.end(JSON.stringify({ ...sampleStatus, generation: 3 })))
  expect(await readStatus(socket)).toEqual(sampleStatus)
})

test('an answer that is not a status is refused with the place of the difference', async () => {
  await serve((_request, response) =>
    response.end(JSON.stringify({ ...sampleStatus, processes: [{ ...sampleStatus.processes[0], state: 'dreaming' }] })),
  )
  await expect(readStatus(socket)).rejects.toMatchObject({
    code: 'control-failed',
    message: expect.stringMatching(/\(processes\.0\.state: .+\); is another version of gatehouse running there\?$/),
  })
})

test('an answer that is no JSON is refused', async () => {
  await serve((_request, response) => response.end('<html>'))
  await expect(readStatus(socket)).rejects.toThrow(/\(body: .+\); is another version/)
})

test('a connection that is cut is an error', async () => {
  await serve((request) => request.socket.destroy())
  await expect(readStatus(socket)).rejects.toMatchObject({
    code: 'control-failed',
    message: `${socket}: socket hang up (ECONNRESET)`,
  })
})

test('a failure without a message is reported by its status', async () => {
  await serve((_request, response) => response.writeHead(502).end('nope'))
  await expect(readStatus(socket)).rejects.toThrow(`${socket}: answered with status 502`)
})

test('a socket of another user is reported with a hint', async () => {
  await serve((_request, response) => response.end())
  await chmod(dirname(socket), 0o755)
  await chmod(socket, 0)
  await unprivileged(async () => {
    await expect(readStatus(socket)).rejects.toThrow(`${socket}: permission denied; run this as root`)
  })
})
