/** Unknown methods, targets that are no path, codings that cannot be undone, and names without a certificate. */
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, h2Session, logged, openHttp1, text } from './clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway, whenOver } from './support.ts'
import { upstream } from './upstreams.ts'

afterEach(cleanUp)

const ways = ['h1', 'h1s'] as const
type Way = (typeof ways)[number]

let dialled = 0
async function start(): Promise<RunningGateway> {
  dialled = 0
  const behind = await upstream((request, response) => {
    dialled += 1
    response.end(`${request.method} ${request.url}`)
  })
  return startGateway({ routes: [proxyTo(behind.port)] })
}

function send(gateway: RunningGateway, way: Way, bytes: string): Promise<string> {
  const { socket } = openHttp1(gateway, way)
  socket.write(bytes)
  return text(socket)
}

describe.each(ways)('over %s', (way) => {
  it.each(['LIST', 'BAN', 'GETS', 'get', 'X-1', 'SETUP', 'DESCRIBE', 'PRI'])(
    '%s is 501, and its name is in the log',
    async (method) => {
      const gateway = await start()
      const answer = await send(
        gateway,
        way,
        `${method} /v1/secret?list=true HTTP/1.1\r\nAccept: */*\r\nHost: ${host}\r\n\r\n`,
      )
      expect(answer).toMatch(/^HTTP\/1\.1 501 Not Implemented\r\n[\s\S]*Connection: close\r\n/i)
      expect(await gateway.waitForRecord(() => true)).toMatchObject({
        ...logged[way],
        method,
        host,
        path: '/v1/secret',
        status: 501,
        error: `unknown method ${method}`,
      })
      expect(dialled).toBe(0)
    },
  )

  it('what only looks like a method is no request', async () => {
    const gateway = await start()
    expect(await send(gateway, way, 'hello there\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 400, method: '', path: '(unreadable)' })
  })

  it('CONNECT is 501, in the log, and nothing is dialled', async () => {
    const gateway = await start()
    const answer = await send(gateway, way, 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\nhello')
    expect(answer).toMatch(/^HTTP\/1\.1 501 Not Implemented\r\n[\s\S]*Connection: close\r\n/i)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      ...logged[way],
      method: 'CONNECT',
      path: 'example.com:443',
      status: 501,
      error: 'unknown method CONNECT',
    })
    expect(dialled).toBe(0)
  })

  it('CONNECT behind a request is answered behind its answer', async () => {
    const gateway = await start()
    const request = `GET /first HTTP/1.1\r\nHost: ${host}\r\n\r\n`
    const answers = await send(gateway, way, `${request}${request}CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n`)
    expect(answers.match(/HTTP\/1\.1 \d+|GET \/first/g)).toEqual([
      'HTTP/1.1 200',
      'GET /first',
      'HTTP/1.1 200',
      'GET /first',
      'HTTP/1.1 501',
    ])
  })

  it('OPTIONS * is answered by us', async () => {
    const gateway = await start()
    const answer = await send(gateway, way, `OPTIONS * HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 204 No Content\r\n[\s\S]*allow: .*\bGET\b/i)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ method: 'OPTIONS', path: '*', status: 204 })
    expect(dialled).toBe(0)
  })

  it('* is the target of no other method', async () => {
    const gateway = await start()
    expect(await send(gateway, way, `GET * HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400 /)
  })

  it.each(['identity, chunked', 'gzip, chunked', 'identity', 'gzip'])(
    'Transfer-Encoding: %s is 501 or 400, and the connection is closed',
    async (coding) => {
      const gateway = await start()
      const { socket } = openHttp1(gateway, way)
      const answer = text(socket)
      socket.write(
        `POST / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: ${coding}\r\n\r\n5\r\nhello\r\n0\r\n\r\n` +
          `GET /smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      )
      expect(await answer).toMatch(/^HTTP\/1\.1 (501|400) [\s\S]*Connection: close\r\n/i)
      expect((await answer).match(/HTTP\/1\.1 /g)).toHaveLength(1)
      expect(dialled).toBe(0)
    },
  )
})

describe('over h2', () => {
  it('CONNECT and unknown methods are 501, in the log', async () => {
    const gateway = await start()
    const session = h2Session(gateway)
    const connect = session.request({ ':method': 'CONNECT', ':authority': 'example.com:443' })
    const [answered] = await once(connect, 'response')
    expect(answered[':status']).toBe(501)
    connect.close()
    expect(await gateway.waitForRecord(({ method }) => method === 'CONNECT')).toMatchObject({
      ...logged.h2,
      path: 'example.com:443',
      status: 501,
    })
    expect(await ask(gateway, 'h2', { method: 'LIST' })).toMatchObject({ status: 501 })
    expect(await gateway.waitForRecord(({ method }) => method === 'LIST')).toMatchObject({
      error: 'unknown method LIST',
    })
  })

  it('OPTIONS * is answered by us', async () => {
    const gateway = await start()
    const answer = await ask(gateway, 'h2', { method: 'OPTIONS', path: '*' })
    expect(answer).toMatchObject({ status: 204 })
    expect(answer.headers.allow).toMatch(/\bPATCH\b/)
  })
})

it.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'over %s, a name without a certificate gets its alert, and is logged',
  async (version) => {
    const gateway = await start()
    for (let i = 0; i < 3; i++) {
      const wire = connectTcp({ host: '127.0.0.1', port: gateway.https })
      whenOver(() => wire.destroy())
      const socket = connectTls({
        socket: wire,
        servername: 'other.example',
        rejectUnauthorized: false,
        minVersion: version,
        maxVersion: version,
      })
      const [error] = await once(socket, 'error')
      expect((error as { code?: string }).code).toBe('ERR_SSL_TLSV1_UNRECOGNIZED_NAME')
    }
    expect(gateway.warnings).toEqual([expect.stringContaining('other.example')])
  },
)
