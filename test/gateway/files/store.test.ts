import { mkdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { isSettled } from '../../../src/gateway/files/disk.ts'
import type { FileRequest } from '../../../src/gateway/files/file-request.ts'
import { createFileStore } from '../../../src/gateway/files/store.ts'
import { StoredFile } from '../../../src/gateway/files/stored-file.ts'
import { cleanUp, temporaryFolder } from '../support.ts'

afterEach(cleanUp)

const soon = { timeout: 2_000, interval: 20 }
const longAgo = new Date('2024-01-01T00:00:00Z')

/** A file that is there for long enough that a further change would show. */
async function put(path: string, content: string | Buffer): Promise<FileRequest> {
  await writeFile(path, content)
  await utimes(path, longAgo, longAgo)
  await settled(path)
  return { path, encodings: ['gzip'] }
}

async function settled(path: string): Promise<void> {
  await expect.poll(async () => isSettled(await stat(path)), { timeout: 5_000, interval: 20 }).toBe(true)
}

/** What is known without asking the disk; undefined if it must be asked. */
function known(store: ReturnType<typeof createFileStore>, wanted: FileRequest) {
  const found = store.find(wanted)
  return found instanceof Promise ? undefined : found
}

async function fileAt(store: ReturnType<typeof createFileStore>, wanted: FileRequest): Promise<StoredFile> {
  const found = await store.find(wanted)
  if (!(found instanceof StoredFile)) throw new Error(`found ${JSON.stringify(found)}`)
  return found
}

describe('the store of files', () => {
  it('reads the disk once for simultaneous requests, and then caches', async () => {
    const store = createFileStore()
    const wanted = await put(join(await temporaryFolder(), 'a.txt'), 'a')
    const first = store.find(wanted)
    expect(store.find(wanted)).toBe(first)
    expect(known(store, wanted)).toBe(undefined)
    const found = await first
    expect(known(store, wanted)).toBe(found)
  })

  it('caches that something is missing or a folder, and looks again after half a second', async () => {
    const store = createFileStore()
    const root = await temporaryFolder()
    const missing = { path: join(root, 'missing'), encodings: [] }
    expect(await store.find(missing)).toBe('absent')
    expect(await store.find({ path: root, encodings: [] })).toBe('folder')
    await mkdir(missing.path)
    expect(known(store, missing)).toBe('absent')
    await expect.poll(() => store.find(missing), soon).toBe('folder')
    await rm(missing.path, { recursive: true })
    await expect.poll(() => store.find(missing), soon).toBe('absent')
  })

  it('keeps what it has read of a file for as long as that does not change', async () => {
    const store = createFileStore()
    const wanted = await put(join(await temporaryFolder(), 'a.txt'), 'a')
    const file = await fileAt(store, wanted)
    const { body } = await file.plain()
    await expect.poll(() => known(store, wanted), soon).toBe(undefined)
    expect(await fileAt(store, wanted)).toBe(file)
    expect((await file.plain()).body).toBe(body)
  })

  it('does not trust what it read right after a change: a second one might have left the same facts', async () => {
    const store = createFileStore()
    const path = join(await temporaryFolder(), 'a.txt')
    const wanted = { path, encodings: [] }
    await writeFile(path, 'a')
    const file = await fileAt(store, wanted)
    await file.plain()
    expect(file.settled).toBe(false)
    await expect.poll(() => known(store, wanted), soon).toBe(undefined)
    const again = await fileAt(store, wanted)
    expect(again).not.toBe(file)
    expect((await again.plain()).etag).toBe((await file.plain()).etag)
  })

  it('gives what it does not read a weak tag, until no change could be missed', async () => {
    const store = createFileStore({ budget: 1_000_000, sizes: { small: 10, encodable: 10 } })
    const path = join(await temporaryFolder(), 'a.bin')
    await writeFile(path, 'more than ten bytes')
    const wanted = { path, encodings: [] }
    const tag = async () => (await (await fileAt(store, wanted)).plain()).etag
    expect(await tag()).toMatch(/^W\/"/)
    await expect.poll(tag, { timeout: 5_000, interval: 50 }).toMatch(/^"/)
  })

  it('stays within its budget, contents and encodings included, and keeps what is used all the time', async () => {
    const store = createFileStore({ budget: 1_000_000, sizes: { small: 100_000, encodable: 100_000 } })
    const root = await temporaryFolder()
    const hot = await put(join(root, 'hot.js'), 'hot '.repeat(10_000))
    const hotFile = await fileAt(store, hot)
    await hotFile.plain()
    const all: FileRequest[] = []
    for (let i = 0; i < 60; i += 1) {
      const wanted = await put(join(root, `${i}.bin`), Buffer.alloc(50_000, i))
      all.push(wanted)
      await (await fileAt(store, wanted)).plain()
      expect(await fileAt(store, hot)).toBe(hotFile)
    }
    // Whatever is not known without asking is not kept.
    const kept = all.filter((wanted) => {
      const found = store.find(wanted)
      return !(found instanceof Promise)
    })
    expect(kept.length).toBeLessThanOrEqual(20)
  })

  it('reads a file only when its content is wanted, and not into memory if that would only fill it', async () => {
    const store = createFileStore({ budget: 1_000_000, sizes: { small: 1_000, encodable: 5_000 } })
    const root = await temporaryFolder()
    const plainOf = async (name: string, size: number, encodings: FileRequest['encodings'] = ['gzip']) => {
      const wanted = { ...(await put(join(root, name), 'x'.repeat(size))), encodings }
      return (await fileAt(store, wanted)).plain()
    }
    expect(await plainOf('small.png', 1_000)).toHaveProperty('body')
    expect(await plainOf('big.png', 1_001)).not.toHaveProperty('body')
    expect(await plainOf('big.js', 5_000)).toHaveProperty('body')
    expect(await plainOf('big.mjs', 5_000, [])).not.toHaveProperty('body')
    expect(await plainOf('huge.js', 5_001)).not.toHaveProperty('body')
  })

  it('notices a file that is gone or was replaced', async () => {
    const store = createFileStore()
    const wanted = await put(join(await temporaryFolder(), 'a.txt'), 'a')
    const file = await fileAt(store, wanted)
    await rm(wanted.path)
    await expect(Promise.resolve(file.plain())).rejects.toMatchObject({ code: 'ENOENT' })
    store.forget(wanted)
    expect(await store.find(wanted)).toBe('absent')
    await put(wanted.path, 'b')
    store.forget(wanted)
    expect(String((await (await fileAt(store, wanted)).plain()).body)).toBe('b')
  })
})
