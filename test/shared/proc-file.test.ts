import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readProcFile } from '../../src/shared/system/proc-file.ts'

it.runIf(process.platform === 'linux')('reads what readFileSync reads', () => {
  for (const path of ['/proc/self/cmdline', '/proc/sys/kernel/ostype', '/proc/self/cgroup', '/proc/self/environ'])
    expect(readProcFile(path)).toBe(readFileSync(path, 'latin1'))
})

it.each([0, 1, 16_383, 16_384, 16_385, 100_000])('reads a file of %d bytes as a whole', (size) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-proc-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'file')
  writeFileSync(file, 'x'.repeat(size))
  expect(readProcFile(file)).toBe('x'.repeat(size))
})

it('throws if there is no such file', () => {
  expect(() => readProcFile('/proc/0/stat')).toThrow('ENOENT')
})
