/**
 * Releases of files that look alike: of one size, with the modification times that images and archives set, so that
 * only what is in them tells one from the other.
 */
import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Answer, ask, protocols } from './clients.ts'
import { cleanUp, type RunningGateway, startGateway, temporaryFolder } from './support.ts'

afterEach(cleanUp)

const constant = new Date('1980-01-01T00:00:01Z')
const usual = new Date('2024-03-01T12:00:00Z')
const sizes = { 'small.bin': 1_000, 'big.bin': 300_000, 'small.js': 2_000, 'big.js': 4_300_000 } as const
type Name = keyof typeof sizes

async function release(folder: string, letter: string, time: Date): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [name, size] of Object.entries(sizes)) await put(join(folder, name), Buffer.alloc(size, letter), time)
}

async function put(path: string, content: Buffer, time: Date): Promise<void> {
  await writeFile(path, content)
  await utimes(path, time, time)
}

function serve(root: string): Promise<RunningGateway> {
  return startGateway({
    routes: [{ kind: 'files', root, existingOnly: false, except: [] }],
    compression: ['gzip'],
  })
}

const eventually = { timeout: 10_000, interval: 30 }

/** What a browser, a cache or a download manager would ask with when it has that answer, or a part of it. */
function conditionsOf({ headers }: Answer): Record<string, string>[] {
  const tag = String(headers.etag)
  const date = headers['last-modified'] as string | undefined
  const range = 'bytes=10-19'
  return [
    { 'if-none-match': tag },
    { 'if-none-match': tag.replace(/^W\//, '') },
    { range, 'if-range': tag },
    { range, 'if-range': tag.replace(/^W\//, '') },
    ...(date === undefined ? [] : [{ range, 'if-range': date }]),
  ]
}

async function strongTag(get: (method?: string) => Promise<Answer>): Promise<Answer> {
  await expect.poll(async () => String((await get('HEAD')).headers.etag), eventually).toMatch(/^"/)
  return get()
}

const changes: Readonly<Record<string, (root: string, time: Date) => Promise<void>>> = {
  async 'renamed over the old one'(root, time) {
    await release(`${root}.new`, 'b', time)
    for (const name of Object.keys(sizes)) await rename(join(`${root}.new`, name), join(root, name))
  },
  async 'written in place'(root, time) {
    await release(root, 'b', time)
  },
  async 'behind a link that is turned'(root, time) {
    await release(`${root}.new`, 'b', time)
    await rename(root, `${root}.old`)
    await symlink(`${root}.new`, root)
  },
}

describe.each(Object.entries(changes))('a release %s', (_how, change) => {
  it.each([constant, usual])('is never taken for the one before it, with all files of %s', async (time) => {
    const root = join(await temporaryFolder(), 'root')
    await release(root, 'a', time)
    const gateway = await serve(root)
    // Once is enough for the one that takes long.
    const names = (Object.keys(sizes) as Name[]).filter((name) => name !== 'big.js' || time === constant)
    const get = (name: Name, accept: string, headers = {}) =>
      ask(gateway, 'h1', { path: `/${name}`, headers: { 'accept-encoding': accept, ...headers } })
    const asked: { name: Name; accept: string; headers: Record<string, string> }[] = []
    const remember = (name: Name, accept: string, answer: Answer) => {
      for (const headers of conditionsOf(answer)) asked.push({ name, accept, headers })
    }
    for (const name of names) {
      for (const accept of ['identity', 'gzip']) remember(name, accept, await get(name, accept))
      const plain = (method = 'GET') => ask(gateway, 'h1', { path: `/${name}`, method })
      remember(name, 'identity', await strongTag(plain))
      remember(name, 'gzip', await get(name, 'gzip'))
    }
    await change(root, time)
    for (const name of names) {
      await expect.poll(async () => (await get(name, 'identity')).body[0], eventually).toBe('b')
    }
    // Both before and after the new content is known.
    for (const round of [0, 1]) {
      for (const { name, accept, headers } of asked) {
        expect({ round, name, accept, headers, status: (await get(name, accept, headers)).status }).toMatchObject({
          status: 200,
        })
      }
      for (const name of names) await strongTag((method = 'GET') => ask(gateway, 'h1', { path: `/${name}`, method }))
    }
    // Its date has not changed with it: it says nothing any more.
    for (const name of names) {
      const answer = await get(name, 'identity', { 'if-modified-since': time.toUTCString() })
      expect(answer.status).toBe(200)
      expect(answer.headers).not.toHaveProperty('last-modified')
    }
  })
})

describe('a release in the place of another, in front of which Gatehouse was started anew', () => {
  it('is never taken for it, and has no date that is a constant', async () => {
    const root = join(await temporaryFolder(), 'root')
    const kept: { name: Name; headers: Record<string, string> }[] = []
    for (const letter of ['a', 'b']) {
      await rm(root, { recursive: true, force: true })
      await release(root, letter, constant)
      const gateway = await serve(root)
      for (const name of Object.keys(sizes) as Name[]) {
        const get = (headers = {}, method = 'GET') => ask(gateway, 'h1', { path: `/${name}`, method, headers })
        for (const { headers } of kept.filter((one) => one.name === name)) expect((await get(headers)).status).toBe(200)
        for (const answer of [await get(), await strongTag((method) => get({}, method))]) {
          expect(answer.headers).not.toHaveProperty('last-modified')
          if (letter === 'a') kept.push(...conditionsOf(answer).map((headers) => ({ name, headers })))
        }
      }
      await gateway.stop()
    }
  })

  it('that is the same has the same strong tags: it is not read again', async () => {
    const parent = await temporaryFolder()
    const tags: unknown[] = []
    for (const folder of ['one', 'other']) {
      await release(join(parent, folder), 'a', folder === 'one' ? constant : usual)
      const gateway = await serve(join(parent, folder))
      const answers = Object.keys(sizes).map((name) =>
        strongTag((method = 'GET') => ask(gateway, 'h1', { path: `/${name}`, method })),
      )
      tags.push((await Promise.all(answers)).map(({ headers }) => headers.etag))
    }
    expect(tags[0]).toEqual(tags[1])
  })
})

describe.each(protocols)('a big file over %s', (protocol) => {
  it('has a weak tag until its content is known, under which it stays known, and no part is joined to that', async () => {
    const root = join(await temporaryFolder(), 'root')
    await release(root, 'a', usual)
    const gateway = await serve(root)
    const get = (headers = {}, method = 'GET') => ask(gateway, protocol, { path: '/big.bin', headers, method })
    const weak = String((await get()).headers.etag)
    expect(weak).toMatch(/^W\/"/)
    expect(await get({ 'if-none-match': weak })).toMatchObject({ status: 304, headers: { etag: weak } })
    expect((await get({ range: 'bytes=0-9', 'if-range': weak })).status).toBe(200)
    const strong = String((await strongTag((method) => get({}, method))).headers.etag)
    expect(await get({ range: 'bytes=0-9', 'if-range': strong })).toMatchObject({
      status: 206,
      headers: { etag: strong },
    })
    for (const known of [weak, strong]) expect((await get({ 'if-none-match': known })).status).toBe(304)
    expect((await get({ range: 'bytes=0-9', 'if-range': weak })).status).toBe(200)
    expect((await get({ 'if-match': strong })).status).toBe(200)
    expect((await get({ 'if-match': weak })).status).toBe(412)
  })
})

describe('a file that is written in place', () => {
  it('is not sent empty while its writer is between emptying it and writing', async () => {
    const root = await temporaryFolder()
    const path = join(root, 'page.html')
    for (const [before, content] of [
      ['old', 'new'],
      ['x'.repeat(300_000), 'y'.repeat(300_000)],
    ] as const) {
      await writeFile(path, before)
      const gateway = await serve(root)
      const get = () => ask(gateway, 'h1', { path: '/page.html' })
      expect((await get()).body.length).toBe(before.length)
      await writeFile(path, '')
      const answers: Promise<Answer>[] = []
      // For longer than what was seen before is believed, and for less than an empty file is doubted.
      const asking = setInterval(() => answers.push(get()), 25)
      await expect.poll(() => answers.length, eventually).toBeGreaterThan(22)
      await writeFile(path, content)
      clearInterval(asking)
      const bodies = new Set((await Promise.all(answers)).map(({ body }) => body))
      for (const body of bodies) expect([before, content]).toContain(body)
      await gateway.stop()
    }
  })

  it('and stays empty is empty, but for no longer than it is', async () => {
    const root = await temporaryFolder()
    await writeFile(join(root, 'a.txt'), '')
    const gateway = await serve(root)
    const get = () => ask(gateway, 'h1', { path: '/a.txt' })
    expect(await get()).toMatchObject({ status: 200, body: '', headers: { 'content-length': '0' } })
    await writeFile(join(root, 'a.txt'), 'text')
    expect(await get()).toMatchObject({ status: 200, body: 'text' })
  })
})
