import { once } from 'node:events'
import { lstat, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { readStatus } from '../../src/control/client/client.ts'
import { renewCertificate } from '../../src/control/client/renew.ts'
import type { ProcessStatus } from '../../src/control/contract/contract.ts'
import { reserveSocket } from '../../src/control/socket.ts'
import { opened, sampleStatus, temporaryFolder } from './fixture.ts'

let folder: string
let socket: string
beforeEach(async () => {
  folder = await temporaryFolder()
  socket = join(folder, 'gatehouse.sock')
})

async function ask(path: string, method = 'GET', headers = {}, body = '') {
  const asking = request({ socketPath: socket, path, method, headers, agent: false })
  asking.end(body)
  const [response] = await once(asking, 'response')
  return { status: response.statusCode, headers: response.headers, body: await json(response) }
}

/** What a process leaves behind that was killed: a socket file on which nothing listens. */
async function leaveDeadSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.live`)
  await once(server, 'listening')
  await rename(`${path}.live`, path)
  server.close()
  await once(server, 'close')
}

test('the status goes over the socket whole, and again while it is open', async () => {
  await opened(socket)
  expect(await readStatus(socket)).toEqual(sampleStatus)
  expect(await readStatus(socket)).toEqual(sampleStatus)
})

test('what the contract does not name, such as an environment, is not sent', async () => {
  const careless = { ...sampleStatus.processes[0], environment: { PASSWORD: 'hush' } } as ProcessStatus
  await opened(socket, () => ({ ...sampleStatus, processes: [careless] }))
  const { status, body } = await ask('/v1/status')
  expect(status).toBe(200)
  expect(body).toEqual({ ...sampleStatus, processes: [sampleStatus.processes[0]] })
})

test('the socket and the folders made for it are for their owner alone, whatever the umask', async () => {
  const umask = process.umask(0)
  onTestFinished(() => void process.umask(umask))
  socket = join(folder, 'run', 'gatehouse', 'control.sock')
  await opened(socket)
  expect((await stat(socket)).mode & 0o777).toBe(0o600)
  expect((await stat(join(folder, 'run'))).mode & 0o777).toBe(0o700)
  expect(process.umask()).toBe(0)
  expect(await readdir(join(folder, 'run', 'gatehouse'))).toEqual(['control.sock', 'control.sock.lock'])
})

test('an unknown path or method is answered with 404 in JSON, and no word about what serves it', async () => {
  await opened(socket)
  const { status, body, headers } = await ask('/v1/nothing')
  expect({ status, body }).toEqual({
    status: 404,
    body: { error: { code: 'not-found', message: 'the control API has no GET /v1/nothing' } },
  })
  expect(headers).not.toHaveProperty('x-powered-by')
  expect(headers).not.toHaveProperty('server')
  expect(await ask('/v1/status', 'DELETE')).toMatchObject({ status: 404, body: { error: { code: 'not-found' } } })
})

test('a body that does not parse is answered in JSON', async () => {
  await opened(socket)
  const { status, body } = await ask('/v1/status', 'POST', { 'content-type': 'application/json' }, '{')
  expect(status).toBe(400)
  expect(body).toMatchObject({ error: { code: 'bad-request' } })
})

test('a source that fails is reported to the client and does not end the server', async () => {
  let broken = true
  await opened(socket, () => {
    if (broken) throw new Error('the supervisor is gone')
    return sampleStatus
  })
  await expect(readStatus(socket)).rejects.toMatchObject({
    code: 'control-failed',
    message: `${socket}: the supervisor is gone (500)`,
  })
  broken = false
  expect(await readStatus(socket)).toEqual(sampleStatus)
})

test('a second gatehouse on the socket gets the pid of the first, which keeps running', async () => {
  await opened(socket)
  await expect(opened(socket)).rejects.toMatchObject({
    code: 'already-running',
    message: `a gatehouse is already running on ${socket}: pid ${process.pid}, with /etc/gatehouse.yaml; stop it or change \`control.socket\``,
  })
  expect(await readStatus(socket)).toEqual(sampleStatus)
})

test('of eight that claim a socket at once one gets it', async () => {
  const claims = await Promise.allSettled(Array.from({ length: 8 }, () => reserveSocket(socket)))
  const [claim] = claims.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const refusals = claims.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
  await claim?.release()
  expect(refusals).toEqual(Array(7).fill('already-running'))
  expect(await readdir(folder)).toEqual([])
})

test('a socket on which some other program listens is not taken from it', async () => {
  const other = createServer((connection) => connection.end('220 hello\r\n')).listen(socket)
  await once(other, 'listening')
  onTestFinished(() => void other.close())
  await expect(opened(socket)).rejects.toMatchObject({
    code: 'already-running',
    message: expect.stringMatching(/^the control socket is in use: /),
  })
  expect((await stat(socket)).isSocket()).toBe(true)
})

test('a socket that a killed gatehouse left behind is replaced', async () => {
  await leaveDeadSocket(socket)
  await opened(socket)
  expect(await readStatus(socket)).toEqual(sampleStatus)
  expect(await readdir(folder)).toEqual(['gatehouse.sock', 'gatehouse.sock.lock'])
})

test('a file, folder or link in the place of the socket is named and left alone', async () => {
  await writeFile(join(folder, 'file'), 'mine')
  await mkdir(join(folder, 'directory'))
  await symlink(join(folder, 'file'), join(folder, 'link'))
  for (const name of ['file', 'directory', 'link']) {
    const path = join(folder, name)
    await expect(opened(path)).rejects.toMatchObject({
      code: 'control-failed',
      message: expect.stringContaining(`${path} exists and is not a socket`),
    })
  }
  expect(await readFile(join(folder, 'link'), 'utf8')).toBe('mine')
})

test('a path of more bytes than the system takes is refused with both numbers', async () => {
  const path = join(folder, 'ü'.repeat(60))
  await expect(opened(path)).rejects.toMatchObject({
    code: 'control-failed',
    message: expect.stringMatching(/is \d{3} bytes long, and the limit is 10[37]: .+shorten `control\.socket`/),
  })
})

test('a path of just as many bytes as the system takes is served', async () => {
  const longest = process.platform === 'linux' ? 107 : 103
  const path = join(folder, 's'.repeat(longest - Buffer.byteLength(folder) - 1))
  await opened(path)
  expect(await readStatus(path)).toEqual(sampleStatus)
})

test('a folder that cannot be created is reported with a hint', async () => {
  await writeFile(join(folder, 'file'), '')
  const path = join(folder, 'file', 'gatehouse.sock')
  await expect(opened(path)).rejects.toMatchObject({
    code: 'control-failed',
    message: expect.stringMatching(/^cannot open the control socket .+make its folder writable/),
  })
})

test('close removes the socket and ends connections that idle', async () => {
  const control = await opened(socket)
  const idle = createConnection(socket)
  await once(idle, 'connect')
  const ended = once(idle, 'close')
  await control.close()
  await ended
  await expect(lstat(socket)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('close leaves what another program has put in the place of the socket', async () => {
  const control = await opened(socket)
  await rename(socket, join(folder, 'moved'))
  const other = createServer().listen(socket)
  await once(other, 'listening')
  onTestFinished(() => void other.close())
  await control.close()
  expect((await stat(socket)).isSocket()).toBe(true)
})

test('a socket that somebody removed, as cleaners of /tmp do, frees no place for a second gatehouse', async () => {
  const control = await opened(socket)
  await rename(socket, join(folder, 'moved'))
  await expect(opened(socket)).rejects.toMatchObject({
    code: 'already-running',
    message: `a gatehouse (pid ${process.pid}) has locked ${socket} and is starting or stopping; stop it or change \`control.socket\``,
  })
  await control.close()
  await opened(socket)
  expect(await readStatus(socket)).toEqual(sampleStatus)
})

test('a renewal is answered with the certificate, or with why there is none', async () => {
  const [certificate] = sampleStatus.certificates
  const asked: unknown[] = []
  await opened(socket, undefined, {
    async renew(name, options) {
      asked.push([name, options])
      if (name === '*.a.test' && certificate) return { renewed: true, certificate }
      const refusal = name === 'files.test' ? 'not-renewable' : 'renewal-failed'
      return { renewed: false, refusal, message: `${name} is not to be had` }
    },
  })
  expect(await renewCertificate(socket, { name: '*.a.test', revoke: true })).toEqual(certificate)
  for (const [name, refused] of [
    ['files.test', 'not-renewable'],
    ['b/../c', 'renewal-failed'],
  ] as const)
    expect(await renewCertificate(socket, { name, revoke: false })).toEqual({
      refused,
      message: `${name} is not to be had`,
    })
  expect(asked).toEqual([
    ['*.a.test', { revoke: true }],
    ['files.test', { revoke: false }],
    ['b/../c', { revoke: false }],
  ])
  expect((await ask('/v1/certificates/b.test/renew', 'POST')).status).toBe(502)
  expect((await ask('/v1/certificates/files.test/renew', 'POST')).status).toBe(409)
})
