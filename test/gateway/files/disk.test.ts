import { execFileSync } from 'node:child_process'
import { appendFile, open, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  FileChanged,
  inspectPath,
  openFile,
  problemOf,
  readContent,
  readPart,
} from '../../../src/gateway/files/disk.ts'
import { cleanUp, temporaryFolder, whenOver } from '../support.ts'

afterEach(cleanUp)

const half = 256 * 1024

async function reading(change: (path: string) => Promise<unknown>): Promise<number> {
  const path = join(await temporaryFolder(), 'file')
  await writeFile(path, Buffer.alloc(2 * half, 'a'))
  const { handle, facts } = await openFile(path)
  whenOver(() => handle.close())
  let bytes = 0
  for await (const piece of readPart(handle, facts, { from: 0, to: facts.size })) {
    bytes += piece.length
    if (bytes === half) await change(path)
  }
  return bytes
}

describe('reading a file', () => {
  it('gives all of it if it stays as it is, and the last piece never if it does not', async () => {
    expect(await reading(async () => {})).toBe(2 * half)
    await expect(reading((path) => truncate(path, 10))).rejects.toThrow(FileChanged)
    const overwrite = async (path: string) => {
      const file = await open(path, 'r+')
      await file.write('b', 0)
      await file.utimes(1, 1)
      await file.close()
    }
    await expect(reading(overwrite)).rejects.toThrow(FileChanged)
  })

  it('gives all that there was if the file only grows, or is touched', async () => {
    expect(await reading((path) => appendFile(path, 'more'))).toBe(2 * half)
    expect(await reading((path) => utimes(path, 1, 1))).toBe(2 * half)
  })

  it('is not deceived by a file that grows and is another one', async () => {
    await expect(reading((path) => writeFile(path, Buffer.alloc(3 * half, 'b')))).rejects.toThrow(FileChanged)
    const changed = async (path: string) => {
      const file = await open(path, 'r+')
      await file.write('b', half - 1)
      await file.write('b', 3 * half)
      await file.close()
    }
    await expect(reading(changed)).rejects.toThrow(FileChanged)
  })

  it('into memory makes no room for more than was agreed', async () => {
    const path = join(await temporaryFolder(), 'file')
    await writeFile(path, '12345')
    expect(String((await readContent(path, 5)).body)).toBe('12345')
    await expect(readContent(path, 4)).rejects.toThrow(FileChanged)
  })

  it('never waits for a fifo that was put in its place', async () => {
    const path = join(await temporaryFolder(), 'pipe')
    execFileSync('mkfifo', [path])
    await expect(openFile(path)).rejects.toThrow('is not a regular file')
    await expect(openFile('/dev/null')).rejects.toThrow('is not a regular file')
  })
})

describe('looking at a path', () => {
  it('tells files, folders, nothing and the rest apart', async () => {
    const root = await temporaryFolder()
    await writeFile(join(root, 'file'), '12345')
    await symlink('file', join(root, 'link'))
    await symlink('nowhere', join(root, 'dangling'))
    await symlink('round', join(root, 'round'))
    expect(await inspectPath(join(root, 'link'))).toMatchObject({ file: { size: 5 } })
    expect(await inspectPath(root)).toBe('folder')
    for (const name of ['dangling', 'round', 'missing', 'file/below', 'n'.repeat(5_000)])
      expect(await inspectPath(join(root, name)), name.slice(0, 20)).toBe('absent')
    expect(await inspectPath('/dev/null')).toMatchObject({ problem: { status: 404 } })
  })
})

describe('problem', () => {
  it.each([
    ['EACCES', 403],
    ['EPERM', 403],
    ['ENOENT', 404],
    ['EMFILE', 503],
    ['ENFILE', 503],
    ['EIO', 500],
    ['ESTALE', 500],
  ])('%s is %d', (code, status) => {
    const error = Object.assign(new Error('why'), { code })
    expect(problemOf(error)).toEqual({ status, cause: expect.stringContaining('why') })
  })
})
