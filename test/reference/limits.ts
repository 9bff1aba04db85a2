/** Rows of the route table that say how much: bodies, requests a second, the backend's time; and what of it is logged. */
import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { ask } from './asking.ts'
import { expectEveryAnswersHeaders } from './headers.ts'
import type { Site } from './site.ts'

export function limitTests(site: Site): void {
  bodies(site)
  describe('on requests a second', () => rates(site))
  logs(site)

  it('a backend that gives no answer for APPSMITH_SERVER_TIMEOUT is 504', async () => {
    const { http } = await site.start({ APPSMITH_SERVER_TIMEOUT: '1' })
    const answer = await ask(http, '/api/v1/actions/never')
    expect(answer).toMatchObject({ status: 504, body: '504 Gateway Timeout\n' })
    expectEveryAnswersHeaders(answer.headers)
  })
}

function bodies(site: Site): void {
  it('a body above APPSMITH_CODEC_SIZE is 413, whether its length is told before or not', async () => {
    const { http } = await site.start({ APPSMITH_CODEC_SIZE: '1' })
    const reported = await ask(http, '/api/x', { method: 'POST', headers: { 'content-length': '1100000' } })
    expect(reported).toMatchObject({ status: 413, body: '413 Payload Too Large\n' })
    expectEveryAnswersHeaders(reported.headers)
    const headers = { 'transfer-encoding': 'chunked' }
    const untold = await ask(http, '/api/x', { method: 'POST', headers, body: Buffer.alloc(1_100_000) })
    expect(untold.status).toBe(413)
    expect((await ask(http, '/api/x', { method: 'POST', body: Buffer.alloc(900_000) })).status).toBe(200)
  })

  it('without the variable a body has at most 150 MB', async () => {
    const { http } = await site.start()
    const statusOf = (length: number) =>
      new Promise((resolve, reject) => {
        const headers = { 'content-length': length, expect: '100-continue' }
        const asked = request({ host: '127.0.0.1', port: http, path: '/api/x', method: 'PUT', headers, agent: false })
        const settle = (status: unknown) => {
          resolve(status)
          asked.destroy()
        }
        asked.once('continue', () => settle('continue')).once('response', ({ statusCode }) => settle(statusCode))
        asked.once('error', reject).flushHeaders()
      })
    expect(await statusOf(150_000_001)).toBe(413)
    expect(await statusOf(150_000_000)).toBe('continue')
  })
}

/** Of `count` answers to one client at once, those with each status. */
async function burst(
  port: number,
  path: string,
  count: number,
  client = '203.0.113.7',
): Promise<Record<number, number>> {
  const headers = { 'x-forwarded-for': client }
  const answers = await Promise.all(Array.from({ length: count }, () => ask(port, path, { headers })))
  for (const refused of answers.filter(({ status }) => status === 429)) {
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect(refused.body).toBe('429 Too Many Requests\n')
    expectEveryAnswersHeaders(refused.headers)
  }
  return Object.fromEntries(
    Object.entries(Object.groupBy(answers, ({ status }) => status)).map(([status, of]) => [status, of?.length ?? 0]),
  )
}

function rates(site: Site): void {
  it('more than APPSMITH_RATE_LIMIT of one client are 429 with Retry-After, over both threads; what is under /static is exempt', async () => {
    const { http } = await site.start({ APPSMITH_RATE_LIMIT: '5' })
    expect(await burst(http, '/static/js/main.1a2b.js', 30)).toEqual({ 200: 30 })
    const { 429: refused } = await burst(http, '/info', 30)
    // Some of them may have come a second later.
    expect(refused).toBeGreaterThanOrEqual(15)
    expect(await burst(http, '/static/js/main.1a2b.js', 30)).toEqual({ 200: 30 })
    expect(await burst(http, '/info', 1, '203.0.113.8')).toEqual({ 200: 1 })
  })

  it('100 are the limit without the variable', async () => {
    const { http } = await site.start()
    const { 200: passed = 0, 429: refused = 0 } = await burst(http, '/info', 400, '203.0.113.10')
    expect(refused).toBeGreaterThan(0)
    expect(passed).toBeGreaterThanOrEqual(100)
  })

  it('`disabled` turns it off', async () => {
    const { http } = await site.start({ APPSMITH_RATE_LIMIT: 'disabled' })
    expect(await burst(http, '/info', 150)).toEqual({ 200: 150 })
  })
}

function logs(site: Site): void {
  it('requests are logged on stdout, but for health checks and source maps', async () => {
    const { gatehouse, http } = await site.start()
    const skipped = ['/api/v1/health', '/x.js.map', '/x.css.map']
    for (const path of skipped) await ask(http, path)
    await ask(http, '/logged')
    expect(await gatehouse.waitFor({ path: '/logged' })).toMatchObject({ method: 'GET', status: 200 })
    const paths = gatehouse.lines.map(({ path }) => path)
    for (const path of skipped) expect(paths).not.toContain(path)
  })
}
