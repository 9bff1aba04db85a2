/** The demo as a person sees it: the built binary, its real children, a real browser. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page, WebSocket } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { part } from '../parts.ts'
import { type Browser, openBrowser } from './support/browser.ts'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, projectFolder, startGatehouse } from './support/gatehouse.ts'

const parts = { chromium: part('chromium') ?? '', certutil: part('certutil') ?? '' }
const complete = parts.chromium && parts.certutil && part('javac') && part('redis-server')

describe.skipIf(!complete)('the demo in a browser', () => {
  const state = mkdtempSync(join(tmpdir(), 'gatehouse-demo-'))
  let gatehouse: Gatehouse
  let browser: Browser

  beforeAll(async () => {
    const [backend, rts, redis] = await freePorts(3)
    gatehouse = startGatehouse({
      file: `${projectFolder}/config/demo.yaml`,
      env: {
        DEMO_TITLE: 'A title from the environment',
        GATEHOUSE_DEMO_HTTP: '0',
        GATEHOUSE_DEMO_HTTPS: '0',
        GATEHOUSE_DEMO_BACKEND: `${backend}`,
        GATEHOUSE_DEMO_RTS: `${rts}`,
        GATEHOUSE_DEMO_REDIS: `${redis}`,
        GATEHOUSE_DEMO_STATE: state,
      },
    })
    await gatehouse.ready()
    browser = await openBrowser({ ...parts, root: join(state, 'storage/internal/root.crt') })
  })

  afterEach(async () => {
    for (const page of browser.context.pages()) await page.close()
  })

  afterAll(async () => {
    await browser?.close()
    await gatehouse?.stop()
    rmSync(state, { recursive: true, force: true })
  })

  it('shows the rendered page and what the Java process answered', async () => {
    const page = await browser.context.newPage()
    await page.goto(await gatehouse.url('http'))
    expect(await page.title()).toBe('A title from the environment')
    await expect.poll(() => text(page, '#language')).toMatch(/^Java \d+/)
    expect(await text(page, '#backend-pid')).toBe(`${gatehouse.pidOf('backend')}`)
    expect(await text(page, '#protocol')).toBe('http')
  })

  it('follows a deep link by its own router, and finds the same page after a reload', async () => {
    const page = await browser.context.newPage()
    await page.goto(await gatehouse.url('http'))
    await page.click('nav a[href="/items/42"]')
    await expect.poll(() => text(page, 'h1')).toBe('Item 42')
    const response = await page.reload()
    expect(response?.status()).toBe(200)
    expect(page.url()).toBe(`${await gatehouse.url('http')}/items/42`)
    await expect.poll(() => text(page, 'h1')).toBe('Item 42')
    await expect.poll(() => text(page, '#language')).toMatch(/^Java/)
  })

  it('counts over a WebSocket and polls no more once it is open', async () => {
    const { page, polls, socket } = await openCounter(browser, await gatehouse.url('http'))
    expect(socket.url()).toMatch(/^ws:.*\/rts\/socket\.io\/.*transport=websocket/)
    await nextCount(socket)
    await expect.poll(() => text(page, '#transport')).toBe('websocket')
    const pollsBefore = polls.length
    const first = await nextCount(socket)
    const second = await nextCount(socket)
    expect(second).toBeGreaterThan(first)
    await expect.poll(async () => Number(await text(page, '#count'))).toBeGreaterThanOrEqual(second)
    expect(polls.slice(pollsBefore)).toEqual([])
    expect(await text(page, '#store')).toBe('Redis')
  })

  it('does the same over HTTPS, with a chain that the browser verifies', async () => {
    const { port } = new URL(await gatehouse.url('https'))
    const { page, socket } = await openCounter(browser, `https://localhost:${port}/items/42`)
    expect(socket.url()).toMatch(/^wss:/)
    const first = await nextCount(socket)
    expect(await nextCount(socket)).toBeGreaterThan(first)
    expect(await text(page, 'h1')).toBe('Item 42')
    await expect.poll(() => text(page, '#protocol')).toBe('https')
    const security = await (await page.reload())?.securityDetails()
    expect(security?.issuer).toMatch(/^Gatehouse internal CA/)
  })

  it('is refused over HTTPS by a browser that does not trust the internal authority', async () => {
    const stranger = await openBrowser(parts)
    try {
      const page = await stranger.context.newPage()
      await expect(page.goto(await gatehouse.url('https'))).rejects.toThrow('ERR_CERT_AUTHORITY_INVALID')
    } finally {
      await stranger.close()
    }
  })

  it('sees the counter continue after its process was killed', async () => {
    const { page, socket } = await openCounter(browser, await gatehouse.url('http'))
    const before = await nextCount(socket)
    const killed = gatehouse.pidOf('rts')
    expect(await text(page, '#rts-pid')).toBe(`${killed}`)
    const [again] = await Promise.all([page.waitForEvent('websocket'), kill(gatehouse, killed)])
    const after = await nextCount(again)
    expect(after).toBeGreaterThan(before)
    await expect.poll(() => text(page, '#rts-pid')).toBe(`${gatehouse.pidOf('rts')}`)
    expect(gatehouse.pidOf('rts')).not.toBe(killed)
    await expect.poll(() => text(page, '#transport')).toBe('websocket')
    await expect.poll(() => text(page, '#connection')).toBe('connected')
    expect(await nextCount(again)).toBeGreaterThan(after)
  })

  // The last one: it ends the demo with a page still open on it.
  it('ends on SIGTERM with exit code 0, notifies the page and leaves nothing behind', async () => {
    const { page, socket } = await openCounter(browser, await gatehouse.url('http'))
    await nextCount(socket)
    gatehouse.signal('SIGTERM')
    expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
    expect(gatehouse.survivors()).toEqual([])
    await expect.poll(() => text(page, '#connection')).toBe('reconnecting')
  })
})

function text(page: Page, selector: string): Promise<string | null> {
  return page.textContent(selector)
}

/** Opens a page of the app and waits for its WebSocket; `polls` are its other requests to the counter. */
async function openCounter({ context }: Browser, url: string) {
  const page = await context.newPage()
  const polls: string[] = []
  page.on('request', (request) => {
    if (request.url().includes('transport=polling')) polls.push(request.url())
  })
  const [socket] = await Promise.all([page.waitForEvent('websocket'), page.goto(url)])
  return { page, polls, socket }
}

/** The value in the next frame that carries one (Socket.IO writes an event as `42["name",argument]`). */
async function nextCount(socket: WebSocket): Promise<number> {
  const { payload } = await socket.waitForEvent('framereceived', ({ payload }) => `${payload}`.startsWith('42["count"'))
  return JSON.parse(`${payload}`.slice(2))[1].value
}

async function kill(gatehouse: Gatehouse, pid: number): Promise<void> {
  const after = gatehouse.lines.length
  process.kill(pid, 'SIGKILL')
  await gatehouse.waitFor({ process: 'rts', ready: true }, { after })
}
