/** Every route of the reference deployment, asked for as its users do it, over HTTP and over HTTPS with the volume's own pair. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import type { LookupFunction } from 'node:net'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { io } from 'socket.io-client'
import { describe, expect, it, vi } from 'vitest'
import { type Answer, ask, basic, type Options } from '../../reference/asking.ts'
import { domain, type Reference, type Service } from './reference.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Registers the tests, of these services. */
export function referenceRows(services: readonly Service[], deployment: () => Reference): void {
  describe.each(['http', 'https'] as const)('its routes over %s', (scheme) => {
    const port = () => deployment()[scheme]
    const host = () => (scheme === 'https' ? domain : `127.0.0.1:${port()}`)
    const get = (path: string, options: Options = {}): Promise<Answer> =>
      ask(port(), path, scheme === 'https' ? { ...options, ca: deployment().certificate, host: domain } : options)

    it('files: of the editor as they are, static ones for ever, a missing static one is 404, info.json', async () => {
      expect(await get('/favicon.ico')).toMatchObject({ status: 200, body: 'icon' })
      const found = await get('/static/js/main.1a2b.js')
      expect(found.headers['cache-control']).toBe('public, max-age=31536000, immutable')
      expect(found.headers.server).toBeUndefined()
      expect((await get('/static/js/gone.js')).status).toBe(404)
      expect(JSON.parse((await get('/info')).body)).toMatchObject({ version: 'v1.2.3' })
    })

    it.each(['/api/v1/users/me', '/oauth2/authorization/google', '/login/oauth2/code/google'])(
      '%s reaches the Spring backend, with what the gateway says of the client',
      async (path) => {
        const headers = { forwarded: 'for=1.2.3.4', 'x-appsmith-request-id': 'forged', 'x-request-id': 'no uuid' }
        const answer = await get(path, { method: 'POST', headers, body: 'twelve bytes' })
        const seen = JSON.parse(answer.body)
        expect(seen).toMatchObject({ method: 'POST', path, body: 12 })
        const reported = Object.fromEntries(
          Object.entries(seen.headers).map(([name, value]) => [name.toLowerCase(), value]),
        )
        expect(reported).toMatchObject({
          'x-forwarded-proto': scheme,
          'x-forwarded-for': expect.stringContaining('127.0.0.1'),
          'x-request-id': 'invalid_request_id',
          host: scheme === 'https' ? domain : `127.0.0.1:${port()}`,
        })
        expect(reported.forwarded).toBeUndefined()
        expect(answer.headers['x-appsmith-request-id']).toMatch(uuid)
        expect(reported['x-appsmith-request-id']).toBe(answer.headers['x-appsmith-request-id'])
      },
    )

    it("the backend's answers come whole: slow ones, and events as a stream", async () => {
      expect(await get('/api/v1/slow?ms=1500')).toMatchObject({ status: 200, body: '{"slow":true}' })
      const events = await get('/api/v1/events')
      expect(events.headers['content-type']).toMatch(/^text\/event-stream/)
      expect(events.body.match(/event \d/g)).toEqual(['event 0', 'event 1', 'event 2'])
    })

    it('/rts is real Socket.IO: it begins by polling and goes on by WebSocket', async () => {
      // By the domain's name, as browsers do; here it is this machine's.
      const lookup: LookupFunction = (_, __, answer) => answer(null, [{ address: '127.0.0.1', family: 4 }])
      const agent = scheme === 'https' && new Agent({ ca: deployment().certificate, lookup })
      const socket = io(`${scheme}://${scheme === 'https' ? domain : '127.0.0.1'}:${port()}`, {
        path: '/rts/socket.io',
        reconnection: false,
        ...(agent && { agent: agent as unknown as string }), // its types know the browser's only
      })
      try {
        const begun = await socket.timeout(10_000).emitWithAck('say', 'hello')
        expect(begun).toMatchObject({ words: 'hello' })
        await vi.waitFor(() => expect(socket.io.engine.transport.name).toBe('websocket'), { timeout: 10_000 })
        expect(await socket.timeout(10_000).emitWithAck('say', 'again')).toEqual({ words: 'again', over: 'websocket' })
      } finally {
        socket.close()
      }
    })

    it('/mcp/health is the health of the MCP server', async () => {
      expect(await get('/mcp/health')).toMatchObject({ status: 200, body: '{"status":"ok"}' })
    })

    it.skipIf(!services.includes('keycloak'))(
      '/auth is Keycloak, which knows by which name and scheme it is asked',
      async () => {
        const found = await get('/auth/realms/master/.well-known/openid-configuration')
        expect(JSON.parse(found.body)).toMatchObject({ issuer: `${scheme}://${host()}/auth/realms/master` })
      },
    )

    it('/supervisor shows the processes to whoever has the generated password', async () => {
      expect((await get('/supervisor')).headers.location).toMatch(/\/supervisor\/$/)
      expect((await get('/supervisor/')).status).toBe(401)
      const password = secret(deployment(), 'docker.env', 'APPSMITH_SUPERVISOR_PASSWORD')
      const page = await get('/supervisor/', basic('appsmith', password))
      expect(page.status).toBe(200)
      for (const name of services) expect(page.body).toContain(name)
    })

    it('everything else is the page of the app, rendered', async () => {
      const page = await get('/app/page-1')
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(page.headers['content-security-policy']).toBe("frame-ancestors 'self'")
      expect(page.body).toContain('<title>Acme v1.2.3</title>')
    })
  })

  it('/mcp is a session of the Model Context Protocol', async () => {
    const client = new Client({ name: 'reference', version: '1.0.0' })
    const transport = new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${deployment().http}/mcp`))
    await client.connect(transport)
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo')
    const { content } = await client.callTool({ name: 'echo', arguments: { message: 'through the gate' } })
    expect(JSON.stringify(content)).toContain('through the gate')
    await transport.terminateSession()
    await client.close()
  })

  it('HTTP for the domain is sent to HTTPS, and the connection closed', async () => {
    const { status, headers } = await ask(deployment().http, '/app?x=1', { host: domain })
    expect({ status, location: headers.location, connection: headers.connection }).toEqual({
      status: 302,
      location: `https://${domain}/app?x=1`,
      connection: 'close',
    })
  })

  it('the backend reaches MongoDB as its user and Redis, by the URLs of the environment', async () => {
    const { visits, redis } = await stores(deployment())
    expect({ visits, redis }).toEqual({ visits: expect.any(Number), redis: '+PONG' })
  })

  it.skipIf(!services.includes('keycloak'))('Keycloak knows its administrator, by the generated password', async () => {
    const { status, body } = await signIn(deployment())
    expect(status, body).toBe(200)
    expect(JSON.parse(body)).toMatchObject({ token_type: 'Bearer', access_token: expect.any(String) })
  })

  it.skipIf(!services.includes('temporal'))(
    'Temporal has its namespace, with two days of history, and the search attribute of workflows',
    () => {
      expect(temporal(deployment(), 'namespace', 'describe', 'default')).toMatch(/RetentionTtl\s+48h/)
      expect(temporal(deployment(), 'search-attribute', 'list')).toMatch(/appsmithWorkflowId\s+Text/)
    },
  )
}

/** Resolves as soon as everything answers that leans on another process; rejects after 30 s. */
export async function works(deployment: Reference): Promise<void> {
  await vi.waitFor(
    async () => {
      const { visits, redis } = await stores(deployment)
      expect({ visits, redis }).toEqual({ visits: expect.any(Number), redis: '+PONG' })
      for (const path of ['/api/v1/users/me', '/rts/socket.io/?EIO=4&transport=polling', '/mcp/health'])
        expect(await ask(deployment.http, path)).toMatchObject({ status: 200 })
      if (deployment.services.includes('keycloak')) expect((await signIn(deployment)).status).toBe(200)
      if (deployment.services.includes('temporal')) temporal(deployment, 'namespace', 'describe', 'default')
    },
    { timeout: 30_000, interval: 500 },
  )
}

/** What the backend says of its stores; each call leaves one visit more in MongoDB. */
export async function stores(deployment: Reference): Promise<{ visits: number; redis: string }> {
  const { status, body } = await ask(deployment.http, '/api/v1/stores')
  expect(status, body).toBe(200)
  const { mongodb, redis } = JSON.parse(body)
  return { visits: mongodb, redis }
}

/** What the first start generated. */
function secret({ volume }: Reference, file: string, name: string): string {
  const text = readFileSync(join(volume, 'configuration', file), 'utf8')
  return new RegExp(`^${name}=['"]?(\\w+)`, 'm').exec(text)?.[1] ?? ''
}

/** As Keycloak's administrator, who is made by the first start; a session is begun in the database. */
function signIn(deployment: Reference): Promise<Answer> {
  const form = {
    client_id: 'admin-cli',
    grant_type: 'password',
    username: 'admin',
    password: secret(deployment, 'gatehouse.env', 'GENERATED_KEYCLOAK_PASSWORD'),
  }
  return ask(deployment.https, '/auth/realms/master/protocol/openid-connect/token', {
    method: 'POST',
    ca: deployment.certificate,
    host: domain,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `${new URLSearchParams(form)}`,
  })
}

function temporal({ folder, temporal }: Reference, ...words: string[]): string {
  const program = join(folder, 'temporal/cli/bin/temporal')
  const all = ['operator', ...words, '--address', temporal, '--command-timeout', '10s']
  return execFileSync(program, all, { encoding: 'utf8', env: { HOME: folder }, stdio: ['ignore', 'pipe', 'pipe'] })
}
