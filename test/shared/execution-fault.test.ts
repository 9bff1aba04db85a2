/** What is said of commands that the kernel refuses with little more than ENOENT. With real files. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { executionFault } from '../../src/shared/execution/fault.ts'
import { unprivileged } from '../unprivileged.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-execution-'))
const closed = join(folder, 'closed')
const path = ['/usr/bin', '/bin'].join(delimiter)

function put(name: string, content: string | Buffer, mode = 0o755): void {
  writeFileSync(join(folder, name), content, { mode })
}

/** `true` of this machine, changed: the machine of elf(5), or the loader. */
function elf(change: (bytes: Buffer) => void): Buffer {
  const bytes = readFileSync('/bin/true')
  change(bytes)
  return bytes
}

beforeAll(() => {
  chmodSync(folder, 0o755)
  put('good', '#!/bin/sh\n')
  put('bare', 'echo no first line\n')
  put('plain', 'text', 0o644)
  put('no-interpreter', '#!/no/such/sh -e\n')
  put('interpreter-no-program', `#!${folder}/plain\n`)
  put('through', `#!${folder}/no-interpreter\n`)
  put('windows', '#!/bin/sh\r\necho\r\n')
  put('windows-env', '#!/usr/bin/env node\r\n')
  put('env', '#!/usr/bin/env -S no-such-node --flag\n')
  put('env-good', '#!/usr/bin/env A=b sh\n')
  put(
    'other-machine',
    elf((bytes) => void bytes.writeUInt16LE(process.arch === 'x64' ? 183 : 62, 18)),
  )
  put(
    'other-libc',
    elf((bytes) => {
      const at = bytes.indexOf('/lib')
      bytes.write('/lxx', at)
    }),
  )
  put('half', elf(() => {}).subarray(0, 40))
  mkdirSync(join(folder, 'directory'))
  mkdirSync(closed, { mode: 0o700 })
  copyFileSync('/bin/true', join(closed, 'hidden'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const linux = process.platform === 'linux'

describe.skipIf(!linux)('a command', () => {
  it.each([['/bin/true'], ['true'], ['./good'], ['./bare'], ['./env-good'], ['./half']])(
    '%s can be executed',
    (name) => {
      expect(executionFault({ command: [name], directory: folder, path })).toBeUndefined()
    },
  )

  it.each([
    ['no-such-program', /^was not found in its PATH$/, 127],
    ['sh ./good', /^does not exist$/, 127],
    ['./gone', /^does not exist$/, 127],
    ['good', /^was not found in its PATH$/, 127],
    ['./directory', /^is a directory, not a program$/, 126],
    ['./plain', /^is not executable$/, 126],
    ['./good/below', /^does not exist$/, 127],
    ['./no-interpreter', /^is there, but the interpreter of its first line, \/no\/such\/sh, does not exist$/, 127],
    [
      './interpreter-no-program',
      /^is there, but the interpreter of its first line, .*\/plain, is not executable$/,
      126,
    ],
    [
      './through',
      /\/no-interpreter, is there, but the interpreter of its first line, \/no\/such\/sh, does not exist$/,
      127,
    ],
    ['./windows', /^has a first line that ends in a carriage return/, 127],
    ['./windows-env', /^has a first line that ends in a carriage return/, 127],
    ['./env', /^is there, but the interpreter of its first line, no-such-node, was not found in its PATH$/, 127],
    ['./other-machine', /^is built for (arm64|x64), and this machine is /, 126],
    ['./other-libc', /^is there, but the loader that it needs, \/lxx.*, does not exist$/, 127],
  ])('%s is reported, and what it lacks', (name, what, exitCode) => {
    expect(executionFault({ command: [name], directory: folder, path })).toMatchObject({
      what: expect.stringMatching(what),
      exitCode,
    })
  })

  it('of one word with blanks is reported as one name', () => {
    const fault = executionFault({ command: ['node api/server.js'], directory: folder, path })
    expect(fault?.hint).toBe('a word with blanks is one name: write each word as a separate item')
  })

  it('behind a folder of PATH that may not be entered is looked for in the others, and never an internal error', () =>
    unprivileged(async () => {
      const withClosed = [closed, path].join(delimiter)
      expect(executionFault({ command: ['true'], directory: folder, path: withClosed })).toBeUndefined()
      expect(executionFault({ command: ['hidden'], directory: folder, path: withClosed })?.what).toBe(
        'was not found in its PATH, which has folders without permission',
      )
      expect(executionFault({ command: ['./closed/hidden'], directory: folder })?.what).toBe(
        'is in a folder without permission',
      )
    }))
})
