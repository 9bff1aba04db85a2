import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileAtomic, writeFileAtomic } from '../../src/shared/files/atomic-file.ts'
import { openFolder } from '../../src/shared/files/safe-folder.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-files-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const makeFolder = async (path: string, make: number) => (await openFolder(path, { make })).close()

describe('a folder that is missing', () => {
  it('is made with its mode, and what is there is left', async () => {
    await makeFolder(join(folder, 'a/b/c'), 0o700)
    expect(statSync(join(folder, 'a/b')).mode & 0o777).toBe(0o700)
    const before = statSync(folder).mode
    await makeFolder(folder, 0o711)
    expect(statSync(folder).mode).toBe(before)
  })

  it('gives up where the kernel allows no folder', async () => {
    await expect(makeFolder('/proc/gatehouse/storage', 0o700)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('is made once by two at the same time', async () => {
    await Promise.all([makeFolder(join(folder, 'x/y'), 0o700), makeFolder(join(folder, 'x/z'), 0o700)])
    expect(readdirSync(join(folder, 'x')).sort()).toEqual(['y', 'z'])
  })
})

describe('writeFileAtomic', () => {
  it('replaces the content, gives the mode, and leaves no temporary file', async () => {
    const path = join(folder, 'deep/secret')
    await writeFileAtomic(path, 'one', 0o600)
    await writeFileAtomic(path, 'two', 0o600)
    expect(readFileSync(path, 'utf8')).toBe('two')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(folder, 'deep'))).toEqual(['secret'])
  })

  it('leaves the old content and no temporary file when it fails', async () => {
    const path = join(folder, 'taken')
    mkdirSync(join(path, 'full'), { recursive: true })
    await expect(writeFileAtomic(path, 'x', 0o600)).rejects.toThrow()
    expect(readdirSync(folder)).toEqual(['taken'])
  })
})

describe('createFileAtomic', () => {
  it('creates the file with its mode and folders, once', async () => {
    const path = join(folder, 'deep/secret')
    expect(await createFileAtomic(path, 'one', 0o600)).toBe(true)
    expect(await createFileAtomic(path, 'two', 0o600)).toBe(false)
    expect(readFileSync(path, 'utf8')).toBe('one')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'deep')).mode & 0o777).toBe(0o700)
    expect(readdirSync(join(folder, 'deep'))).toEqual(['secret'])
  })

  it('lets exactly one of many writers win, with its content intact', async () => {
    const path = join(folder, 'secret')
    const contents = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(10_000))
    const created = await Promise.all(contents.map((content) => createFileAtomic(path, content, 0o600)))
    expect(created.filter(Boolean)).toHaveLength(1)
    expect(readFileSync(path, 'utf8')).toBe(contents[created.indexOf(true)])
    expect(readdirSync(folder)).toEqual(['secret'])
  })

  it('replaces nothing: no folder, no link that leads nowhere', async () => {
    mkdirSync(join(folder, 'taken'))
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link'))
    expect(await createFileAtomic(join(folder, 'taken'), 'x', 0o600)).toBe(false)
    expect(await createFileAtomic(join(folder, 'link'), 'x', 0o600)).toBe(false)
    expect(readdirSync(folder).sort()).toEqual(['link', 'taken'])
  })
})
