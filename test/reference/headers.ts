/** Rows of the route table that hold for every request: what clients get, what upstreams get, ids, compression. */
import type { IncomingHttpHeaders } from 'node:http'
import { expect, it } from 'vitest'
import { openWebSocket } from '../e2e/support/clients.ts'
import { ask, seen } from './asking.ts'
import type { Site } from './site.ts'
import type { Seen } from './upstream.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

export function headerTests(site: Site): void {
  everyAnswer(site)
  requestIds(site)
  towardsUpstreams(site)
  compression(site)
}

/** Of files, errors, redirects and what upstreams answer. */
export function expectEveryAnswersHeaders(headers: IncomingHttpHeaders): void {
  expectCommonHeaders(headers)
  expect(headers['content-security-policy']).toMatch(/^frame-ancestors [^;]+$/)
}

/** Of the dashboard, whose policy is its own: it stands in no frame, whatever the site allows. */
export function expectDashboardsHeaders(headers: IncomingHttpHeaders): void {
  expectCommonHeaders(headers)
  expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
}

function expectCommonHeaders(headers: IncomingHttpHeaders): void {
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-appsmith-request-id': expect.stringMatching(uuid),
  })
  expect(headers).not.toHaveProperty('server')
}

function everyAnswer(site: Site): void {
  it('every answer has nosniff, frame-ancestors and an id of ours, and no Server', async () => {
    const { http } = await site.start()
    const paths = ['/', '/favicon.ico', '/static/js/main.1a2b.js', '/api/x', '/info', '/static/gone', '/%00']
    for (const path of paths) {
      const { headers } = await ask(http, path)
      expectEveryAnswersHeaders(headers)
      expect(headers, path).toMatchObject({
        'content-security-policy': "frame-ancestors 'self'",
        'x-request-id': 'invalid_request_id',
      })
    }
  })

  it.each([
    ['all that are allowed', "'self' https://*.example", "frame-ancestors 'self' https://*.example"],
    ['no other directive behind them', 'https://a.example; script-src *', 'frame-ancestors https://a.example'],
    ['our own pages if the variable is empty', '', "frame-ancestors 'self'"],
  ])('frame-ancestors are %s', async (_, allowed, policy) => {
    const { http } = await site.start({ APPSMITH_ALLOWED_FRAME_ANCESTORS: allowed })
    expect((await ask(http, '/')).headers['content-security-policy']).toBe(policy)
  })

  it('errors are plain text, without Server and Cache-Control', async () => {
    const { http } = await site.start()
    for (const [path, status, body] of [
      ['/static/js/gone.js', 404, '404 Not Found\n'],
      ['/static/%00', 400, '400 Bad Request\n'],
    ] as const) {
      const answer = await ask(http, path, { headers: { accept: 'text/html' } })
      expect(answer).toMatchObject({ status, body })
      expect(answer.headers['content-type']).toMatch(/^text\/plain/)
      expect(answer.headers).not.toHaveProperty('server')
      expect(answer.headers).not.toHaveProperty('cache-control')
    }
  })
}

function requestIds(site: Site): void {
  const mine = '0b5e7a64-4f0e-4bd0-9c1a-5d2e7f2f8a11'

  it('the request id of a client is echoed and passed on if it is a v4 UUID; the internal one is always fresh', async () => {
    const { http } = await site.start()
    const forged = { 'x-request-id': mine, 'x-appsmith-request-id': mine }
    const { headers, body } = await ask(http, '/api/x', { headers: forged })
    const upstream = (JSON.parse(body) as Seen).headers
    expect(headers['x-request-id']).toBe(mine)
    expect(upstream['x-request-id']).toBe(mine)
    expect(headers['x-appsmith-request-id']).toMatch(uuid)
    expect(headers['x-appsmith-request-id']).not.toBe(mine)
    expect(upstream['x-appsmith-request-id']).toBe(headers['x-appsmith-request-id'])
    const again = await ask(http, '/api/x', { headers: forged })
    expect(again.headers['x-appsmith-request-id']).not.toBe(headers['x-appsmith-request-id'])
  })

  it.each([
    ['no UUID', { 'x-request-id': 'evil' }],
    ['a UUID of version 1', { 'x-request-id': '0b5e7a64-4f0e-1bd0-9c1a-5d2e7f2f8a11' }],
    ['absent', {}],
  ])('a request id that is %s is called invalid on both sides', async (_, sent) => {
    const { http } = await site.start()
    const { headers, body } = await ask(http, '/api/x', { headers: sent })
    expect(headers['x-request-id']).toBe('invalid_request_id')
    expect((JSON.parse(body) as Seen).headers['x-request-id']).toBe('invalid_request_id')
  })
}

function towardsUpstreams(site: Site): void {
  it('upstreams get the Host and where the request came from, never Forwarded or the internal MCP header', async () => {
    const { http } = await site.start()
    for (const path of ['/api/x', '/rts/x', '/mcp', '/auth/x']) {
      const { headers } = await seen(http, path, {
        host: 'inside.example',
        headers: { forwarded: 'for=evil', 'x-appsmith-mcp-internal': 'yes' },
      })
      expect(headers, path).toMatchObject({
        host: 'inside.example',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'inside.example',
      })
      expect(headers, path).not.toHaveProperty('forwarded')
      expect(headers, path).not.toHaveProperty('x-appsmith-mcp-internal')
    }
  })

  it('what a trusted balancer says of the client is kept', async () => {
    const { http } = await site.start()
    const balancer = {
      'x-forwarded-for': '203.0.113.7',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'outside.example',
    }
    const { headers } = await seen(http, '/api/x', { host: 'inside.example', headers: balancer })
    expect(headers).toMatchObject({ ...balancer, host: 'inside.example', 'x-forwarded-for': '203.0.113.7, 127.0.0.1' })
  })

  it('the same guards stand before a WebSocket', async () => {
    const { gatehouse, http } = await site.start()
    const after = gatehouse.lines.length
    const socket = await openWebSocket(`http://127.0.0.1:${http}`, '/rts/guarded')
    socket.close()
    expect(await gatehouse.waitFor({ path: '/rts/guarded' }, { after })).toMatchObject({ status: 101 })
  })
}

function compression(site: Site): void {
  it('text is compressed when it is asked for and above 512 bytes', async () => {
    const { http } = await site.start()
    const encodingOf = async (path: string, accept: string, more = {}) => {
      const { headers } = await ask(http, path, { headers: { 'accept-encoding': accept, ...more } })
      return headers['content-encoding']
    }
    expect(await encodingOf('/static/js/main.1a2b.js', 'gzip')).toBe('gzip')
    expect(await encodingOf('/static/js/main.1a2b.js', 'gzip, zstd')).toBe('zstd')
    expect(await encodingOf('/static/js/main.1a2b.js', 'br')).toBeUndefined()
    expect(await encodingOf('/static/js/main.1a2b.js', '')).toBeUndefined()
    expect(await encodingOf('/info', 'gzip')).toBeUndefined()
    // An upstream's answers, too: this one repeats what it was sent.
    expect(await encodingOf('/api/long', 'gzip', { 'x-long': 'x'.repeat(600) })).toBe('gzip')
  })
}
