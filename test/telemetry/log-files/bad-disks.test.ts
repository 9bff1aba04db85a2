/** Disks that are slow, full, or not there: lines wait, then are counted; other files do not wait. */
import { spawnSync } from 'node:child_process'
import { constants, mkdirSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Desk, desk, smallDisk, until } from './desk.ts'

describe('a full disk', () => {
  it('is logged once, and when there is room again all that waited is written, the torn line included', async (test) => {
    const directory = smallDisk(64 * 1024) ?? test.skip()
    const { files, said, waitForLog, readAll } = desk({ directory })
    const ballast = join(directory, 'ballast')
    writeFileSync(ballast, Buffer.alloc(48 * 1024))
    const lines = Array.from({ length: 300 }, (_, line) => `${line} ${'x'.repeat(100)}`)
    for (const line of lines) files.line('web', 'stdout', line)
    expect(await waitForLog(/cannot be written/)).toMatch(/web\/host-stdout\.log cannot be written: ENOSPC/)
    expect(files.troubles()).toEqual([expect.stringMatching(/web\/host-stdout\.log cannot be written: ENOSPC/)])
    rmSync(ballast)
    await waitForLog(/is written again; nothing was lost/)
    expect(readAll()).toBe(lines.map((line) => `${line}\n`).join(''))
    expect(files.troubles()).toEqual([])
    expect(said).toHaveLength(2)
  })

  it('costs bounded memory, and what it cost is counted in the log and shown in the file', async (test) => {
    const directory = smallDisk(2 * 1024 * 1024) ?? test.skip()
    const { files, waitForLog, readAll } = desk({ directory })
    const ballast = join(directory, 'ballast')
    writeFileSync(ballast, Buffer.alloc(2 * 1024 * 1024 - 32 * 1024))
    const before = process.memoryUsage.rss()
    let written = 0
    for (; written < 200_000; written += 1) files.line('web', 'stdout', `${written} ${'x'.repeat(100)}`)
    // Not that the disk is slow, although the flood was there before its answer.
    await waitForLog(/cannot be written: ENOSPC/)
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024)
    rmSync(ballast)
    const over = await waitForLog(/is written again/)
    files.line('web', 'stdout', 'and on')
    await files.close()
    const lines = readAll().trimEnd().split('\n')
    const gap = lines.findIndex((line) => line.startsWith('['))
    expect(lines.slice(0, gap).map((line) => Number.parseInt(line, 10))).toEqual(
      Array.from({ length: gap }, (_, i) => i),
    )
    expect(lines.slice(gap)).toEqual([`[gatehouse: ${written - gap} lines are missing here]`, 'and on'])
    expect(over).toContain(`${written - gap} lines were lost`)
  })

  it('is logged of a device that is always full', async (test) => {
    const { files, directory, waitForLog, said } = desk()
    mkdirSync(join(directory, 'web'))
    const made = spawnSync('mknod', [join(directory, 'web/host-stdout.log'), 'c', '1', '7'])
    if (made.status !== 0) test.skip('only root may make devices')
    files.line('web', 'stdout', 'lost')
    files.line('other', 'stdout', 'kept')
    await waitForLog(/ENOSPC/)
    const started = performance.now()
    await files.close()
    expect(performance.now() - started).toBeLessThan(1_500)
    expect(said).toHaveLength(1)
  })
})

describe('a flood that is over', () => {
  const written = 30_000
  const flood = ({ files }: Desk) => {
    for (let line = 0; line < written; line += 1) files.line('web', 'stdout', `${line} ${'x'.repeat(100)}`)
  }
  /** On a machine that is busy the disk may count as slow: then it is said in other words. */
  const reported = /(\d+) lines were lost/

  it.each([
    ['', 10_000_000],
    [', in the midst of a rotation', 64_000],
  ])('leaves the mark of what was lost as the last line, though no line follows%s', async (_, size) => {
    const own = desk({ size, keep: 1_000 })
    flood(own)
    const lost = Number(reported.exec(await own.waitForLog(reported))?.[1])
    await until(() => own.list().every((name) => name === 'host-stdout.log' || name.endsWith('.gz')))
    const lines = own.readAll().trimEnd().split('\n')
    expect(lines.at(-1)).toBe(`[gatehouse: ${lost} lines are missing here]`)
    expect(lines).toHaveLength(written - lost + 1)
  })

  it('leaves it when all ends in that moment', async () => {
    const own = desk()
    flood(own)
    await own.files.close()
    const lines = own.readAll().trimEnd().split('\n')
    expect(lines.at(-1)).toBe(`[gatehouse: ${written - lines.length + 1} lines are missing here]`)
    expect(own.said.map(({ message }) => reported.exec(message)?.[1])).toContain(`${written - lines.length + 1}`)
  })
})

describe('a log file that cannot be opened', () => {
  it('is tried again until it can: a file in the place of its folder', async () => {
    const { files, directory, waitForLog, read, said } = desk()
    writeFileSync(join(directory, 'web'), 'in the way')
    files.line('web', 'stdout', 'one')
    await waitForLog(/ENOTDIR/)
    files.line('web', 'stdout', 'two')
    rmSync(join(directory, 'web'))
    await waitForLog(/written again; nothing was lost/)
    expect(read('host-stdout.log')).toBe('one\ntwo\n')
    expect(said).toHaveLength(2)
  })

  it('is tried again until it can: a disk that is read-only', async (test) => {
    const directory = smallDisk(64 * 1024) ?? test.skip()
    const { files, waitForLog, read } = desk({ directory })
    const remount = (how: string) => spawnSync('mount', ['-o', `remount,${how}`, directory])
    remount('ro')
    files.line('web', 'stdout', 'one')
    await waitForLog(/EROFS/)
    remount('rw')
    await waitForLog(/written again; nothing was lost/)
    expect(read('host-stdout.log')).toBe('one\n')
  })
})

describe('a log file that is slow', () => {
  it('delays no other: a named pipe whose reader stalls, or is not there', async () => {
    const { files, directory, waitForLog, read } = desk()
    mkdirSync(join(directory, 'slow'))
    const pipe = join(directory, 'slow/host-stdout.log')
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0)
    files.line('slow', 'stdout', 'nobody reads')
    await waitForLog(/slow\/host-stdout\.log cannot be written: ENXIO/)
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK)
    await waitForLog(/slow.* is written again/)
    const line = 'y'.repeat(1_000)
    for (let count = 0; count < 3_000; count += 1) files.line('slow', 'stdout', line)
    files.line('web', 'stdout', 'quick')
    await files.close()
    expect(read('host-stdout.log')).toBe('quick\n')
    expect(files.troubles()).toEqual([expect.stringMatching(/slow\/host-stdout\.log cannot be written/)])
    const buffer = Buffer.alloc(64)
    expect(buffer.toString('utf8', 0, readSync(reader, buffer)).startsWith('nobody reads\ny')).toBe(true)
  })
})
