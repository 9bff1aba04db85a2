import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeFileAtomic } from '../../src/shared/atomic-file.ts'
import { makeFolder } from '../../src/shared/folder.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-files-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('makeFolder', () => {
  it('makes what is missing with its mode and leaves what is there', async () => {
    await makeFolder(join(folder, 'a/b/c'), 0o700)
    expect(statSync(join(folder, 'a/b')).mode & 0o777).toBe(0o700)
    const before = statSync(folder).mode
    await makeFolder(folder, 0o711)
    expect(statSync(folder).mode).toBe(before)
  })

  it('does not try for ever where the kernel lets nobody make a folder', async () => {
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
    await makeFolder(join(path, 'full'), 0o700)
    await expect(writeFileAtomic(path, 'x', 0o600)).rejects.toThrow()
    expect(readdirSync(folder)).toEqual(['taken'])
  })
})
