/** The reference deployment's routes and TLS, row by row, against config/sidecar.yaml as it is shipped. */
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, request, type Server } from 'node:http'
import { connect } from 'node:http2'
import { request as secureRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { connect as connectTls, type PeerCertificate } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { makeCertificate } from '../certificates/make-certificate.ts'
import { exchangeMessage, openWebSocket } from './support/clients.ts'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, projectFolder, source, startGatehouse } from './support/gatehouse.ts'

const domain = 'app.example'
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What an upstream saw, and which one it was. */
interface Seen {
  readonly upstream: string
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

const servers: Server[] = []
/** Name → URL. */
const upstreams = { backend: '', rts: '', mcp: '', keycloak: '', supervisor: '' }
let folder = ''
/** One for each environment that a test asks for: those that ask for the same share it. */
const running = new Map<string, Promise<Sidecar>>()

function upstream(name: string): Server {
  const server = createServer((asked, response) => {
    const { method = '', url = '', headers } = asked
    asked.resume().once('end', () => {
      if (url.endsWith('/never')) return
      const seen: Seen = { upstream: name, method, url, headers }
      response.setHeader('Server', 'upstream/1.0').setHeader('X-Powered-By', name)
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(seen))
    })
  }).listen(0, '127.0.0.1')
  new WebSocketServer({ server }).on('connection', (socket) => {
    socket.on('message', (message) => socket.send(`${name} ${message}`))
  })
  return server
}

function put(path: string, text: string): void {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-sidecar-'))
  for (const name of ['backend', 'rts', 'mcp', 'keycloak', 'supervisor'] as const) {
    const server = upstream(name)
    servers.push(server)
    await once(server, 'listening')
    upstreams[name] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  put(
    'editor/index.html',
    `<title>{{env "APPSMITH_NAME"}}|{{env "APPSMITH_UNSET"}}|{{env "PATH"}}</title>${' '.repeat(600)}`,
  )
  put('editor/favicon.ico', 'icon')
  put('editor/static/js/main.1a2b.js', `console.log(1)//${'x'.repeat(1_000)}`)
  put('editor/.secret', 'hidden')
  put('info.json', '{"version":"v1.2.3","commitSha":"0badcafe","imageBuiltAt":"2026-01-02"}')
  put(
    'editor/404.html',
    '<title>lost: {{env "APPSMITH_NAME"}} {{env "APPSMITH_VERSION_ID"}} {{env "APPSMITH_VERSION_SHA"}} {{env "APPSMITH_VERSION_RELEASE_DATE"}} {{env "APPSMITH_HOSTNAME"}}</title>',
  )
})

afterAll(async () => {
  for (const { gatehouse } of await Promise.all(running.values())) await gatehouse.stop()
  for (const server of servers) server.close().closeAllConnections()
  rmSync(folder, { recursive: true })
})

interface Sidecar {
  readonly gatehouse: Gatehouse
  readonly http: number
  readonly https: number
}

function start(env: Readonly<Record<string, string>> = {}): Promise<Sidecar> {
  const key = JSON.stringify(env)
  const sidecar = running.get(key) ?? startNew(env)
  running.set(key, sidecar)
  return sidecar
}

async function startNew(env: Readonly<Record<string, string>>): Promise<Sidecar> {
  const [http = 0, https = 0] = await freePorts(2)
  const state = mkdtempSync(join(folder, 'state-'))
  const gatehouse = startGatehouse({
    command: source,
    file: `${projectFolder}/config/sidecar.yaml`,
    env: {
      PORT: String(http),
      GATEHOUSE_HTTPS_PORT: String(https),
      GATEHOUSE_THREADS: '2',
      GATEHOUSE_EDITOR: join(folder, 'editor'),
      GATEHOUSE_INFO: join(folder, 'info.json'),
      GATEHOUSE_STACKS: join(folder, 'stacks'),
      GATEHOUSE_STORAGE: state,
      GATEHOUSE_SOCKET: join(state, 'control.sock'),
      GATEHOUSE_BACKEND_URL: upstreams.backend,
      GATEHOUSE_RTS_URL: upstreams.rts,
      GATEHOUSE_MCP_URL: upstreams.mcp,
      GATEHOUSE_KEYCLOAK_URL: upstreams.keycloak,
      GATEHOUSE_SUPERVISOR_URL: upstreams.supervisor,
      APPSMITH_NAME: 'Acme <Inc>',
      HOSTNAME: 'host-1',
      ...env,
    },
  })
  await gatehouse.waitFor({ message: 'listening', listener: 'http' })
  return { gatehouse, http, https }
}

interface Wish {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  /** Over TLS, trusting this certificate and no other; the name that is asked for is `host`. */
  readonly ca?: string
  readonly host?: string
}

function ask(port: number, path: string, { method = 'GET', headers = {}, ca, host }: Wish = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path,
      method,
      headers: { ...(host && { host }), ...headers },
      agent: false as const,
    }
    const sent = ca === undefined ? request(options) : secureRequest({ ...options, ca, servername: host ?? domain })
    sent.once('error', reject).once('response', (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    sent.end()
  })
}

async function seen(port: number, path: string, wish: Wish = {}): Promise<Seen> {
  const { status, body } = await ask(port, path, wish)
  expect(status).toBe(200)
  return JSON.parse(body) as Seen
}

/** The one that is presented for the domain, whoever signed it. */
async function certificateOf(port: number): Promise<PeerCertificate> {
  const socket = connectTls({ host: '127.0.0.1', port, servername: domain, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const certificate = socket.getPeerCertificate()
  socket.destroy()
  return certificate
}

describe('the routes of the sidecar', () => {
  it('a file of the editor is answered as it is; pages are rendered, hidden files are nowhere', async () => {
    const { http } = await start()
    expect(await ask(http, '/favicon.ico')).toMatchObject({ status: 200, body: 'icon' })
    const page = await ask(http, '/index.html')
    expect(page.body).toMatch(/^<title>Acme &#60;Inc&#62;\|\|<\/title>/)
    const lost = '<title>lost: Acme &#60;Inc&#62; v1.2.3 0badcafe 2026-01-02 host-1</title>'
    expect((await ask(http, '/404.html')).body).toBe(lost)
    expect((await ask(http, '/.secret')).body).not.toContain('hidden')
  })

  it('what is under /static never changes; what is missing there is 404, never the page, and without Cache-Control', async () => {
    const { http } = await start()
    const found = await ask(http, '/static/js/main.1a2b.js')
    expect(found.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    const missing = await ask(http, '/static/js/gone.js')
    expect(missing).toMatchObject({ status: 404, body: '404 Not Found\n' })
    expect(missing.headers['cache-control']).toBeUndefined()
    expect(missing.headers.server).toBeUndefined()
  })

  it('/info is info.json', async () => {
    const { http } = await start()
    const info = await ask(http, '/info')
    expect(JSON.parse(info.body)).toMatchObject({ version: 'v1.2.3' })
    expect(info.headers['content-type']).toMatch(/^application\/json/)
  })

  it.each([
    ['/api/v1/users/me?x=%2F1', 'backend'],
    ['/oauth2/authorization/google', 'backend'],
    ['/login/oauth2/code/google', 'backend'],
    ['/rts/socket.io/?EIO=4', 'rts'],
    ['/mcp', 'mcp'],
    ['/mcp/health', 'mcp'],
    ['/auth/realms/x', 'keycloak'],
  ])('%s goes to %s, path and query untouched', async (path, name) => {
    const { http } = await start()
    expect(await seen(http, path, { method: 'POST' })).toMatchObject({ upstream: name, method: 'POST', url: path })
  })

  it('a WebSocket under /rts is a tunnel to it', async () => {
    const { http } = await start()
    const socket = await openWebSocket(`http://127.0.0.1:${http}`, '/rts/socket')
    expect(await exchangeMessage(socket, 'hello')).toBe('rts hello')
    socket.close()
  })

  it('the dashboard is behind user and password, without its prefix, and does not see them', async () => {
    const { http } = await start({ APPSMITH_SUPERVISOR_PASSWORD: 'open sesame' })
    const redirect = await ask(http, '/supervisor')
    expect(redirect).toMatchObject({ status: 302, headers: { location: '/supervisor/' } })
    const as = (user: string, password: string) => ({
      headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
    })
    const refused = await ask(http, '/supervisor/')
    expect(refused).toMatchObject({ status: 401, headers: { 'www-authenticate': expect.stringMatching(/^Basic /) } })
    expect((await ask(http, '/supervisor/', as('appsmith', 'wrong'))).status).toBe(401)
    const passed = await seen(http, '/supervisor/tail.html?process=backend', as('appsmith', 'open sesame'))
    expect(passed).toMatchObject({ upstream: 'supervisor', url: '/tail.html?process=backend' })
    expect(passed.headers.authorization).toBeUndefined()
  })

  it('the user of the dashboard can have another name, and without a password one is generated', async () => {
    const { gatehouse, http } = await start({ APPSMITH_SUPERVISOR_USER: 'ops' })
    const { message } = await gatehouse.waitFor({ message: /^user ops has the password/ })
    const [, password = ''] = /password (\S+) /.exec(message) ?? []
    const authorization = `Basic ${Buffer.from(`ops:${password}`).toString('base64')}`
    expect((await seen(http, '/supervisor/', { headers: { authorization } })).upstream).toBe('supervisor')
    expect(gatehouse.lines.filter((line) => JSON.stringify(line).includes(password))).toHaveLength(1)
  })

  it('without Keycloak /auth is a page of the app, as is everything else', async () => {
    const { http } = await start({ GATEHOUSE_KEYCLOAK_URL: '' })
    for (const path of ['/', '/auth/realms/x', '/app/page-1', '/api', '/mcp/other', '/login']) {
      const page = await ask(http, path)
      expect(page).toMatchObject({ status: 200, body: expect.stringMatching(/^<title>Acme/) })
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    }
  })
})

describe('the headers of the sidecar', () => {
  it('every answer has nosniff and frame-ancestors, and no Server', async () => {
    const { http } = await start()
    for (const path of ['/', '/favicon.ico', '/static/js/main.1a2b.js', '/api/x', '/info', '/static/gone']) {
      const { headers } = await ask(http, path)
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'content-security-policy': "frame-ancestors 'self'",
        'x-appsmith-request-id': expect.stringMatching(uuid),
      })
      expect(headers.server).toBeUndefined()
    }
  })

  it('frame-ancestors are those that are allowed, and no other directive behind them', async () => {
    const { http } = await start({ APPSMITH_ALLOWED_FRAME_ANCESTORS: "'self' https://*.example; script-src *" })
    const { headers } = await ask(http, '/')
    expect(headers['content-security-policy']).toBe("frame-ancestors 'self' https://*.example")
  })

  it('the request id is passed on if it is a v4 UUID; the internal one is always fresh', async () => {
    const { http } = await start()
    const mine = '0b5e7a64-4f0e-4bd0-9c1a-5d2e7f2f8a11'
    const forged = { 'x-request-id': mine, 'x-appsmith-request-id': mine }
    const accepted = await ask(http, '/api/x', { headers: forged })
    const told = (JSON.parse(accepted.body) as Seen).headers
    expect(accepted.headers['x-request-id']).toBe(mine)
    expect(told['x-request-id']).toBe(mine)
    expect(told['x-appsmith-request-id']).toMatch(uuid)
    expect(told['x-appsmith-request-id']).not.toBe(mine)
    expect(accepted.headers['x-appsmith-request-id']).toBe(told['x-appsmith-request-id'])
    for (const headers of [{ 'x-request-id': 'evil' }, {}] as const) {
      const refused = await ask(http, '/api/x', { headers })
      expect(refused.headers['x-request-id']).toBe('invalid_request_id')
      expect((JSON.parse(refused.body) as Seen).headers['x-request-id']).toBe('invalid_request_id')
    }
  })

  it('upstreams get the Host, and X-Forwarded-* of a trusted peer; never Forwarded or the internal MCP header', async () => {
    const { http } = await start()
    const headers = {
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'outside.example',
      forwarded: 'for=evil',
      'x-appsmith-mcp-internal': 'yes',
    }
    const balanced = (await seen(http, '/api/x', { host: 'inside.example', headers })).headers
    expect(balanced).toMatchObject({
      host: 'inside.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'outside.example',
    })
    expect(balanced['x-forwarded-for']).toMatch(/^203\.0\.113\.7\b/)
    expect(balanced.forwarded).toBeUndefined()
    expect(balanced['x-appsmith-mcp-internal']).toBeUndefined()
    const direct = (await seen(http, '/mcp', { host: 'inside.example' })).headers
    expect(direct).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'inside.example',
    })
  })

  it('text is compressed when it is asked for and above 512 bytes', async () => {
    const { http } = await start()
    const encodingOf = async (accept: string) => {
      const { headers } = await ask(http, '/static/js/main.1a2b.js', { headers: { 'accept-encoding': accept } })
      return headers['content-encoding']
    }
    // A file that was seen for the first time is sent as it is, while its encodings are made.
    await expect.poll(() => encodingOf('gzip'), { timeout: 5_000 }).toBe('gzip')
    await expect.poll(() => encodingOf('gzip, zstd'), { timeout: 5_000 }).toBe('zstd')
    expect(await encodingOf('br')).toBeUndefined()
    const small = await ask(http, '/info', { headers: { 'accept-encoding': 'gzip' } })
    expect(small.headers['content-encoding']).toBeUndefined()
  })
})

describe('the limits of the sidecar', () => {
  it('a body above APPSMITH_CODEC_SIZE is 413', async () => {
    const { http } = await start({ APPSMITH_CODEC_SIZE: '1' })
    const answer = await ask(http, '/api/x', { method: 'POST', headers: { 'content-length': '1100000' } })
    expect(answer.status).toBe(413)
  })

  it('more than APPSMITH_RATE_LIMIT requests a second of one client are 429 with Retry-After, over both threads; static ones are exempt', async () => {
    const { http } = await start({ APPSMITH_RATE_LIMIT: '5' })
    const client = { headers: { 'x-forwarded-for': '203.0.113.7' } }
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(http, '/info', client)))
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThanOrEqual(15)
    expect(refused.every(({ headers }) => Number(headers['retry-after']) >= 1)).toBe(true)
    const other = { headers: { 'x-forwarded-for': '203.0.113.8' } }
    expect((await ask(http, '/info', other)).status).toBe(200)
    const files = Array.from({ length: 30 }, () => ask(http, '/static/js/main.1a2b.js', client))
    expect((await Promise.all(files)).every(({ status }) => status === 200)).toBe(true)
  })

  it('a backend that gives no answer for APPSMITH_SERVER_TIMEOUT is 504', async () => {
    const { http } = await start({ APPSMITH_SERVER_TIMEOUT: '1' })
    const answer = await ask(http, '/api/v1/actions/never')
    expect(answer).toMatchObject({ status: 504, body: '504 Gateway Timeout\n' })
    expect(answer.headers.server).toBeUndefined()
  })

  it('`disabled` turns the limit off', async () => {
    const { http } = await start({ APPSMITH_RATE_LIMIT: 'disabled' })
    const answers = await Promise.all(Array.from({ length: 150 }, () => ask(http, '/info')))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
  })

  it('health checks and source maps are not logged', async () => {
    const { gatehouse, http } = await start()
    const skipped = ['/api/v1/health', '/healthz', '/readyz', '/x.js.map', '/x.css.map']
    for (const path of skipped) await ask(http, path)
    await ask(http, '/logged')
    await gatehouse.waitFor({ path: '/logged' })
    const paths = gatehouse.lines.map(({ path }) => path)
    for (const path of skipped) expect(paths).not.toContain(path)
  })
})

describe('TLS of the sidecar', () => {
  const own = makeCertificate({ names: [domain, `*.${domain}`] })
  const certbot = makeCertificate({ names: [domain] })

  it('there is none without a domain, even if certificates lie in the volume', async () => {
    put('tls-none/ssl/fullchain.pem', own.certificate)
    put('tls-none/ssl/privkey.pem', own.key)
    for (const value of ['', `https://${domain}`]) {
      const { http, https } = await start({
        APPSMITH_CUSTOM_DOMAIN: value,
        GATEHOUSE_STACKS: join(folder, 'tls-none'),
      })
      expect((await ask(http, '/info', { host: domain })).status).toBe(200)
      await expect(ask(https, '/info', { ca: own.certificate })).rejects.toThrow('ECONNREFUSED')
    }
  })

  it('with a domain its requests are sent to HTTPS, others are answered over HTTP; own files serve any name', async () => {
    put('tls-own/ssl/fullchain.pem', own.certificate)
    put('tls-own/ssl/privkey.pem', own.key)
    const { http, https } = await start({ APPSMITH_CUSTOM_DOMAIN: domain, GATEHOUSE_STACKS: join(folder, 'tls-own') })
    const redirect = await ask(http, '/app?x=1', { host: domain })
    expect(redirect.status).toBe(302)
    expect(redirect.headers).toMatchObject({ location: `https://${domain}/app?x=1`, connection: 'close' })
    expect((await ask(http, '/info', { host: 'localhost' })).status).toBe(200)
    expect((await ask(https, '/info', { ca: own.certificate, host: domain })).status).toBe(200)
    expect((await ask(https, '/info', { ca: own.certificate, host: `other.${domain}` })).status).toBe(200)
    const { headers } = await seen(https, '/api/x', { ca: own.certificate, host: domain })
    expect(headers['x-forwarded-proto']).toBe('https')
  })

  it('speaks h2', async () => {
    put('tls-own/ssl/fullchain.pem', own.certificate)
    put('tls-own/ssl/privkey.pem', own.key)
    const { https } = await start({ APPSMITH_CUSTOM_DOMAIN: domain, GATEHOUSE_STACKS: join(folder, 'tls-own') })
    const session = connect(`https://127.0.0.1:${https}`, { ca: own.certificate, servername: domain })
    const stream = session.request({ ':path': '/api/x', ':authority': domain })
    let body = ''
    for await (const chunk of stream.setEncoding('utf8')) body += chunk
    const { upstream: name, headers } = JSON.parse(body) as Seen
    expect({ name, host: headers.host, proto: headers['x-forwarded-proto'] }).toEqual({
      name: 'backend',
      host: domain,
      proto: 'https',
    })
    session.close()
  })

  it('an expired certificate of certbot does not serve', async () => {
    const names = [domain]
    const expired = makeCertificate({ names, notBefore: new Date('2020-01-01'), notAfter: new Date('2020-04-01') })
    put(`tls-expired/letsencrypt/live/${domain}/fullchain.pem`, expired.certificate)
    put(`tls-expired/letsencrypt/live/${domain}/privkey.pem`, expired.key)
    const { https } = await start({ APPSMITH_CUSTOM_DOMAIN: domain, GATEHOUSE_STACKS: join(folder, 'tls-expired') })
    const served = await certificateOf(https)
    expect(new Date(served.valid_to).getTime()).toBeGreaterThan(Date.now())
  })

  it('without own files those of certbot serve', async () => {
    put(`tls-certbot/letsencrypt/live/${domain}/fullchain.pem`, certbot.certificate)
    put(`tls-certbot/letsencrypt/live/${domain}/privkey.pem`, certbot.key)
    const { https } = await start({ APPSMITH_CUSTOM_DOMAIN: domain, GATEHOUSE_STACKS: join(folder, 'tls-certbot') })
    expect((await ask(https, '/info', { ca: certbot.certificate, host: domain })).status).toBe(200)
  })
})

describe('the environment of the sidecar', () => {
  it('has the variables of docker.env; those of the container win', async () => {
    put('env/configuration/docker.env', 'APPSMITH_NAME=from-the-file\nAPPSMITH_UNSET=set-there\n')
    const { http } = await start({ GATEHOUSE_STACKS: join(folder, 'env') })
    expect((await ask(http, '/')).body).toMatch(/^<title>Acme &#60;Inc&#62;\|set-there\|/)
  })
})
