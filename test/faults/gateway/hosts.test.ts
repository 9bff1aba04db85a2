import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Asking, ask, exchangeRaw, logged, protocols, text, tlsSocket } from '../../gateway/clients.ts'
import { cleanUp, proxyTo, type RunningGateway, startGateway } from '../../gateway/support.ts'
import { mirror, type Seen, valuesOf } from '../../gateway/upstreams.ts'

let gateway: RunningGateway

beforeAll(async () => {
  const behind = await mirror()
  gateway = await startGateway({
    routes: [
      { ...proxyTo(behind.port), match: { hosts: ['app.example'] }, response: { 'x-route': 'app' } },
      { ...proxyTo(behind.port), response: { 'x-route': 'other' } },
    ],
  })
})
afterAll(cleanUp)

/** Over h2 the name is `:authority`. */
const naming = (host: string): Asking => ({ headers: { host } })

describe.each(protocols)('the host of a request over %s', (protocol) => {
  it.each(['app.example', 'APP.example', 'aPp.ExAmPlE', 'app.example.', 'app.example:8443', 'App.Example.:443'])(
    '%s is app.example to the routes and in the log, and as it was to the upstream',
    async (written) => {
      const answer = await ask(gateway, protocol, naming(written))
      expect(answer).toMatchObject({ status: 200, headers: { 'x-route': 'app' } })
      expect(valuesOf(JSON.parse(answer.body) as Seen, 'host')).toEqual([written])
      expect(await gateway.waitForRecord(() => true)).toMatchObject({ host: 'app.example' })
    },
  )

  it.each(['app.example.evil.example', 'evil-app.example', 'xapp.example', 'app.example..', 'evil.example'])(
    '%s is not app.example',
    async (written) => {
      expect((await ask(gateway, protocol, naming(written))).headers['x-route']).toBe('other')
    },
  )

  it.each([
    'app.example:port',
    'app.example:80:80',
    'app.example/',
    'a@app.example',
    'app.example,evil.example',
    '[app.example]',
    'app.example:123456',
  ])('%s is none: 400, and the upstream sees nothing', async (written) => {
    const before = gateway.records.length
    const answer = await ask(gateway, protocol, naming(written)).catch((error: Error) => error)
    // An h2 stream may be reset by nghttp2 before it is a request.
    if (answer instanceof Error) expect(protocol).toBe('h2')
    else {
      expect(answer.status).toBe(400)
      // The record of the request before may be written only now.
      const record = await gateway.waitForRecord((one) => one.status !== 200 && gateway.records.indexOf(one) >= before)
      expect(record).toMatchObject({ ...logged[protocol], status: 400, error: expect.stringContaining('Host') })
    }
  })
})

describe.each(['h1', 'h1s'] as const)('Host over %s', (protocol) => {
  const send = async (bytes: string) => {
    if (protocol === 'h1') return exchangeRaw(gateway.http, bytes)
    const socket = tlsSocket(gateway.https)
    socket.write(bytes)
    return text(socket)
  }

  it.each([
    ['missing', ''],
    ['double', 'Host: app.example\r\nHost: evil.example\r\n'],
    ['double in mixed case', 'Host: app.example\r\nhOST: app.example\r\n'],
  ])('%s is answered with 400, and the connection is closed', async (_how, lines) => {
    const answer = await send(`GET / HTTP/1.1\r\n${lines}\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toMatch(/connection: close/i)
  })

  it('in mixed case is a Host like any other', async () => {
    expect(await send('GET / HTTP/1.1\r\nhOsT: App.Example\r\nConnection: close\r\n\r\n')).toMatch(/x-route: app/)
  })
})
