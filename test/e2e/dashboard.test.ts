/** `control.dashboard`: a page through the gateway, from the control socket and from nothing else on it. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestOptions, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Gatehouse, startGatehouse } from './support/gatehouse.ts'

const config = `
gateway:
  listeners: { http: { address: "127.0.0.1:0" } }
  response:
    headers:
      Content-Security-Policy: "frame-ancestors *"
      Content-Security-Policy-Report-Only: { add: "default-src *" }
      X-Frame-Options: null
      X-Content-Type-Options: null
      Referrer-Policy: { add: unsafe-url }
      Content-Type: application/octet-stream
      Content-Disposition: attachment
      Cache-Control: "public, max-age=31536000"
      Cross-Origin-Embedder-Policy: require-corp
  routes:
    - { host: moved.example, redirect: { to: "https://{host}{uri}", status: 308 } }
    - { path: /ops/*, methods: [POST], to: "http://127.0.0.1:\${STRANGER}" }
    - { files: { root: ./site, fallback: index.html } }
users: { ops: { password: "\${OPS_PASSWORD}" } }
processes:
  worker: { command: [sleep, "600"] }
  broken: { command: [sh, -c, "echo '<b>bold</b>' >&2; exit 3"], restart: { giveUp: { failures: 1 } } }
storage: ./storage
control: { socket: ./control.sock, dashboard: { path: /ops, auth: { basic: ops } } }
`

const password = 'a password for ops'
const authorization = `Basic ${btoa(`ops:${password}`)}`
let gatehouse: Gatehouse
let base = ''

/** The upstream of a route that matches below the dashboard, too. */
const stranger = createServer((_request, response) => response.end('a stranger'))

beforeAll(async () => {
  await new Promise<void>((listening) => stranger.listen(0, '127.0.0.1', listening))
  gatehouse = startGatehouse({
    config,
    files: { 'site/index.html': 'the site' },
    env: { OPS_PASSWORD: password, STRANGER: String((stranger.address() as AddressInfo).port) },
  })
  base = await gatehouse.url('http')
  await gatehouse.waitFor({ process: 'broken', state: 'fatal' })
})

afterAll(async () => {
  await gatehouse.stop()
  stranger.close()
})

function ask(path: string, options: RequestInit = {}): Promise<Response> {
  return fetch(base + path, { redirect: 'manual', ...options, headers: { authorization, ...options.headers } })
}

it('shows every process to who has the password', async () => {
  const answer = await ask('/ops/')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  const page = await answer.text()
  expect(page).toMatch(/<td>worker<\/td><td>running<\/td><td>yes<\/td>/)
  expect(page).toMatch(/<tr class="wrong"><td>broken<\/td><td>fatal<\/td>/)
  expect(page).toContain('<h1 class="wrong">unhealthy</h1>')
  expect(page).not.toContain(password)
})

it('asks everybody else for it, and shows nothing', async () => {
  const answer = await fetch(`${base}/ops/`)
  expect(answer.status).toBe(401)
  expect(await answer.text()).not.toContain('worker')
})

it('its path without the slash leads to the one with it, and stands before a route that matches everything', async () => {
  const answer = await ask('/ops')
  expect([answer.status, answer.headers.get('location')]).toEqual([302, '/ops/'])
  expect(await (await ask('/other')).text()).toBe('the site')
})

it('a redirect at the top of the routes still comes first: no password is asked for on the wrong host', async () => {
  expect((await askAsIs('/ops/', { headers: { host: 'moved.example' } })).status).toBe(308)
})

it('nothing else of the control socket can be reached through it', async () => {
  // As they stand: fetch would take the dots away before they are sent.
  const answers = {
    '/ops/../v1/status': 'the site',
    '/ops/%2e%2e/v1/status': 'the site',
    '/ops/..%2fv1/status': 'the site',
    '/ops/%2e%2e%2fv1%2fevents': 'the site',
    '/ops/..;/v1/status': 'the site',
    '/ops/x%2f..%2fv1%2fstatus': 'not-found',
    '/ops//v1/status': 'not-found',
    '/ops/v1/status': 'not-found',
  }
  for (const [path, answer] of Object.entries(answers)) expect((await askAsIs(path)).body, path).toContain(answer)
  // A task could be started: the methods that change something are not forwarded at all.
  expect((await askAsIs('/ops/v1/processes/worker/start', { method: 'POST', headers: {} })).status).toBe(401)
  expect((await askAsIs('/ops/v1/processes/worker/start', { method: 'POST' })).status).toBe(405)
})

it('keeps a POST below its path, and the password in it, from every other route', async () => {
  const answer = await ask('/ops/x', { method: 'POST', body: 'a=b' })
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  expect(await answer.text()).toBe('405 Method Not Allowed\n')
  expect((await fetch(`${base}/ops/x`, { method: 'DELETE' })).status).toBe(401)
})

it('stands in no frame and runs no script, whatever the site says of itself', async () => {
  const { headers } = await ask('/ops/')
  expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.* frame-ancestors 'none'$/)
  expect(headers.get('x-frame-options')).toBe('DENY')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect((await ask('/other')).headers.get('content-security-policy')).toBe('frame-ancestors *')
})

it("has all headers of its own on every answer below its path: the site's neither strip nor break it", async () => {
  const answers = [
    await ask('/ops/'),
    await ask('/ops'),
    await ask('/ops/nothing-there'),
    await ask('/ops/', { method: 'POST' }),
    await fetch(`${base}/ops/`),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 302, 404, 405, 401])
  for (const { headers } of answers) {
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';/)
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    for (const name of ['content-security-policy-report-only', 'content-disposition', 'cross-origin-embedder-policy'])
      expect(headers.get(name)).toBeNull()
    expect(headers.get('cache-control') ?? '').not.toContain('public')
    expect(headers.get('content-type') ?? '').not.toBe('application/octet-stream')
  }
  expect((await ask('/other')).headers.get('content-disposition')).toBe('attachment')
})

async function askAsIs(path: string, options: RequestOptions = {}) {
  const { hostname, port } = new URL(base)
  const sent = request({ hostname, port, path, headers: { authorization }, ...options }).end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: answer.statusCode, body: await text(answer) }
}
