/** Log files as they are meant to be: written, rotated, compressed, and the oldest removed. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { desk, folder, until } from './desk.ts'

const archive = /^host-stdout\.log\.\d{8}T\d{6}\.\d{3}Z$/
const compressed = /^host-stdout\.log\.\d{8}T\d{6}\.\d{3}Z\.gz$/

describe('log files', () => {
  it('hold the lines of each stream as they came, readable by owner and group only', async () => {
    const { files, directory, list, read } = desk()
    files.line('web', 'stdout', 'one')
    files.line('web', 'stderr', '\tat somewhere')
    files.line('web', 'stdout', 'tür 🚪')
    await files.close()
    expect(list()).toEqual(['host-stderr.log', 'host-stdout.log'])
    expect(read('host-stdout.log')).toBe('one\ntür 🚪\n')
    expect(read('host-stderr.log')).toBe('\tat somewhere\n')
    expect(statSync(join(directory, 'web/host-stdout.log')).mode & 0o777).toBe(0o640)
    expect(statSync(join(directory, 'web')).mode & 0o777).toBe(0o750)
  })

  it('are written without being asked, and gone on with by the next run', async () => {
    const first = desk()
    first.files.line('web', 'stdout', 'first run')
    await until(() => existsSync(join(first.directory, 'web/host-stdout.log')) && first.readAll() === 'first run\n')
    const second = desk({ directory: first.directory })
    second.files.line('web', 'stdout', 'second run')
    await second.files.close()
    expect(second.readAll()).toBe('first run\nsecond run\n')
  })

  it('are rotated at their size, between lines, compressed, and no more than `keep` archives stay', async () => {
    const { files, list, read, said } = desk({ size: 1_000, keep: 3 })
    for (let line = 0; line < 100; line += 1) files.line('web', 'stdout', `${line} ${'x'.repeat(96)}`.slice(0, 99))
    await files.close()
    await until(() => list().filter((name) => compressed.test(name)).length === 3 && list().length === 4)
    const names = [...list().filter((name) => compressed.test(name)), 'host-stdout.log']
    const numbers = names.map((name) =>
      read(name)
        .trimEnd()
        .split('\n')
        .map((line) => Number.parseInt(line, 10)),
    )
    expect(numbers).toEqual([6, 7, 8, 9].map((ten) => Array.from({ length: 10 }, (_, one) => 10 * ten + one)))
    expect(said).toEqual([])
  })

  it('with a line longer than a whole file give it one of its own', async () => {
    const { files, list, read } = desk({ size: 1_000 })
    for (const line of ['before', 'y'.repeat(5_000), 'after']) files.line('web', 'stdout', line)
    await files.close()
    // The archives are gone a moment after their compressed forms are there.
    await until(() => list().filter((name) => compressed.test(name)).length === 2 && list().length === 3)
    expect(list().map((name) => read(name).slice(0, 8))).toEqual(['after\n', 'before\n', 'yyyyyyyy'])
  })

  it('of a run that was killed while it compressed are compressed by the next', async () => {
    const { files, directory, list, read } = desk({ directory: folder() })
    mkdirSync(join(directory, 'web'))
    const left = join(directory, 'web/host-stdout.log.20260102T030405.678Z')
    writeFileSync(left, 'left\n')
    writeFileSync(`${left}.gz.part`, 'half of it')
    writeFileSync(join(directory, 'web/host-stdout.log.of-somebody'), 'not ours')
    files.line('web', 'stdout', 'now')
    await until(() => list().includes('host-stdout.log.20260102T030405.678Z.gz') && list().length === 3)
    await files.close()
    expect(list().some((name) => archive.test(name))).toBe(false)
    expect(read('host-stdout.log.20260102T030405.678Z.gz')).toBe('left\n')
  })

  it('are named in order even when the clock has gone back', async () => {
    const { files, directory, list } = desk({ size: 1_000 })
    mkdirSync(join(directory, 'web'))
    writeFileSync(join(directory, 'web/host-stdout.log.29990102T030405.999Z.gz'), '')
    for (let line = 0; line < 11; line += 1) files.line('web', 'stdout', 'x'.repeat(99))
    await files.close()
    await until(() => list().includes('host-stdout.log.29990102T030406.000Z.gz'))
  })
})

describe('a log file that somebody else touches', () => {
  it('is created again when it was moved or removed with its folder, and continued when it was truncated', async () => {
    const { files, directory, read } = desk()
    const path = join(directory, 'web/host-stdout.log')
    // Closed again, too: what comes while it is open belongs to it, wherever it has been moved.
    const holds = (text: string) => until(() => existsSync(path) && read('host-stdout.log') === text && !isOpen(path))
    files.line('web', 'stdout', 'one')
    await holds('one\n')
    renameSync(path, `${path}.1`)
    files.line('web', 'stdout', 'two')
    await holds('two\n')
    rmSync(join(directory, 'web'), { recursive: true })
    files.line('web', 'stdout', 'three')
    await holds('three\n')
    truncateSync(path)
    files.line('web', 'stdout', 'four')
    await holds('four\n')
  })
})

function isOpen(path: string): boolean {
  return readdirSync('/proc/self/fd').some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path
    } catch {
      return false
    }
  })
}
