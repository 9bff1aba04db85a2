import { execFile } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { appendFile, open, rename, truncate, utimes, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { ask, h2Session, protocols, rawSocket, readUntil, tlsSocket } from './clients.ts'
import { cleanUp, host, type RunningGateway, startGateway, temporaryFolder } from './support.ts'

afterEach(cleanUp)

const mebibyte = 1024 * 1024
const size = 64 * mebibyte
const soon = { timeout: 2_000, interval: 10 }

async function start(length = size) {
  const root = await temporaryFolder()
  const path = join(root, 'big.bin')
  await grow(path, length)
  const gateway = await startGateway({ routes: [{ kind: 'files', root, existingOnly: false, except: [] }] })
  return { gateway, path }
}

/** A file of zeros that takes no room, with something at its end. */
async function grow(path: string, length: number): Promise<void> {
  const file = await open(path, 'w')
  await file.truncate(length)
  await file.write('end', length - 3)
  await file.close()
  await utimes(path, 1_700_000_000, 1_700_000_000)
}

/** How often the file is open in this process. */
function descriptorsOf(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(path)
    } catch {
      return false
    }
  }).length
}

/** Begins to read the file over a protocol, and stops after the first bytes until it is resumed. */
async function begin(gateway: RunningGateway, protocol: (typeof protocols)[number]) {
  if (protocol === 'h2') {
    const session = h2Session(gateway)
    const stream = session.request({ ':path': '/big.bin', ':authority': host })
    stream.on('error', () => {})
    await new Promise((resolve) => stream.once('response', resolve))
    return { leave: () => stream.close(8), rest: () => count(stream) }
  }
  const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
  socket.write(`GET /big.bin HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  await readUntil(socket, '\r\n\r\n')
  return { leave: () => socket.destroy(), rest: () => count(socket) }
}

async function count(stream: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0
  try {
    for await (const chunk of stream as IncomingMessage) bytes += chunk.length
  } catch {
    // Cut: what came until then is what counts.
  }
  return bytes
}

/** Reads the file in a process of its own, whose memory is not ours. */
async function countElsewhere(port: number): Promise<number> {
  const script = `let bytes = 0
    const socket = require('node:net').connect(${port}, '127.0.0.1')
    socket.on('data', (chunk) => { bytes += chunk.length }).on('close', () => console.log(bytes))
    socket.write('GET /big.bin HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n')`
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script])
  return Number(stdout)
}

describe.each(protocols)('a big file over %s', (protocol) => {
  it('arrives whole, and in parts, with its length announced', async () => {
    const { gateway, path } = await start(9 * mebibyte)
    const whole = await ask(gateway, protocol, { path: '/big.bin' })
    expect(whole.headers).toMatchObject({ 'content-length': String(9 * mebibyte), 'accept-ranges': 'bytes' })
    expect({ length: whole.body.length, end: whole.body.slice(-4) }).toEqual({ length: 9 * mebibyte, end: '\0end' })
    const tag = async () => String((await ask(gateway, protocol, { path: '/big.bin', method: 'HEAD' })).headers.etag)
    await expect.poll(tag, { timeout: 5_000, interval: 50 }).toMatch(/^"/)
    const headers = { range: 'bytes=-5', 'if-range': await tag() }
    const part = await ask(gateway, protocol, { path: '/big.bin', headers })
    expect(part).toMatchObject({ status: 206, body: '\0\0end', headers: { 'content-length': '5' } })
    const head = await ask(gateway, protocol, { path: '/big.bin', method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, body: '', headers: { 'content-length': String(9 * mebibyte) } })
    await expect.poll(() => descriptorsOf(path), soon).toBe(0)
    expect(await gateway.waitForRecord(({ status }) => status === 206)).toMatchObject({ bytes: 5 })
  })

  it('is closed as soon as its client has gone', async () => {
    const { gateway, path } = await start()
    const { leave } = await begin(gateway, protocol)
    expect(descriptorsOf(path)).toBe(1)
    leave()
    await expect.poll(() => descriptorsOf(path), soon).toBe(0)
    const record = await gateway.waitForRecord(() => true)
    expect(record).toMatchObject({ status: 499, path: '/big.bin' })
    expect(record.bytes).toBeLessThan(size)
  })

  it.each([
    ['is cut short', (path: string) => truncate(path, mebibyte)],
    ['is written anew in place', (path: string) => writeFile(path, Buffer.alloc(size, 'x'))],
  ])('ends without an end if it %s on the way', async (_what, change) => {
    const { gateway, path } = await start()
    const { rest } = await begin(gateway, protocol)
    await change(path)
    expect(await rest()).toBeLessThan(size)
    const record = await gateway.waitForRecord(() => true)
    expect(record).toMatchObject({ status: 200, error: expect.stringContaining('changed while it was read') })
    await expect.poll(() => descriptorsOf(path), soon).toBe(0)
    // The connection was promised a length that never came: the next client gets the new file with the new one.
    const next = await ask(gateway, protocol, { path: '/big.bin', method: 'HEAD' })
    expect(['1048576', String(size)]).toContain(next.headers['content-length'])
  })

  it('is sent up to the length that was promised if it only grows on the way, as a log does', async () => {
    const { gateway, path } = await start()
    const { rest } = await begin(gateway, protocol)
    await appendFile(path, 'one line more\n')
    expect(await rest()).toBeGreaterThan(size - mebibyte)
    const record = await gateway.waitForRecord(() => true)
    expect(record).toMatchObject({ status: 200, bytes: size })
    expect(record).not.toHaveProperty('error')
  })

  it('ends without an end if it grows and is another one', async () => {
    const { gateway, path } = await start()
    const { rest } = await begin(gateway, protocol)
    await writeFile(path, Buffer.alloc(size + 1, 'x'))
    expect(await rest()).toBeLessThan(size)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({
      error: expect.stringContaining('changed while it was read'),
    })
  })

  it('that was replaced by another one meanwhile still arrives as the old one', async () => {
    const { gateway, path } = await start()
    const { rest } = await begin(gateway, protocol)
    await grow(`${path}.new`, mebibyte)
    await rename(`${path}.new`, path)
    // What came with the head is not counted here.
    expect(await rest()).toBeGreaterThan(size - mebibyte)
    expect(await gateway.waitForRecord(() => true)).toMatchObject({ status: 200, bytes: size })
    await expect.poll(async () => (await ask(gateway, protocol, { path: '/big.bin' })).body.length, soon).toBe(mebibyte)
  })
})

describe('a log', () => {
  it('is served however fast it grows: each answer is a beginning of it', async () => {
    const { gateway, path } = await start(mebibyte)
    let growing = true
    const grows = (async () => {
      for (let n = 0; growing; n += 1) await appendFile(path, `line ${n}\n`)
    })()
    try {
      for (let n = 0; n < 10; n += 1) {
        for (const method of ['GET', 'HEAD']) {
          const answer = await ask(gateway, 'h1', { path: '/big.bin', method })
          expect(answer.status).toBe(200)
          if (method === 'GET') expect(String(answer.body.length)).toBe(answer.headers['content-length'])
        }
        const part = await ask(gateway, 'h1', { path: '/big.bin', headers: { range: 'bytes=1048573-1048580' } })
        expect(part).toMatchObject({ status: 206, body: expect.stringMatching(/^end/) })
      }
    } finally {
      growing = false
      await grows
    }
    for (const { error } of gateway.records) expect(error).toBeUndefined()
  })
})

describe('a large file', () => {
  it('passes with constant memory', async () => {
    const length = 500 * mebibyte
    const { gateway } = await start(length)
    await ask(gateway, 'h1', { path: '/big.bin', headers: { range: 'bytes=0-9' } })
    const before = process.memoryUsage.rss()
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss())
    }, 20)
    expect(await countElsewhere(gateway.http)).toBeGreaterThan(length)
    clearInterval(watch)
    expect((most - before) / mebibyte).toBeLessThan(50)
  }, 60_000)

  it('waits for a client that does not read', async () => {
    const { gateway } = await start(2_000 * mebibyte)
    const socket = rawSocket(gateway.http)
    socket.write('GET /big.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    await readUntil(socket, '\r\n\r\n')
    socket.destroy()
    // Some is in the kernel's buffers; nowhere else.
    expect((await gateway.waitForRecord(() => true)).bytes).toBeLessThan(16 * mebibyte)
  })
})
