import { describe, expect, it } from 'vitest'
import { LastLines, longestLine, splitLines } from '../../src/supervisor/output/lines.ts'

/** The lines of these chunks, and of the same bytes one by one: how they are cut into chunks must not matter. */
function linesOf(...chunks: readonly (string | Buffer)[]): string[] {
  const bytes = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)))
  const whole = split(chunks.map((chunk) => Buffer.from(chunk)))
  expect(split([...bytes].map((byte) => Buffer.from([byte])))).toEqual(whole)
  return whole
}

function split(chunks: readonly Buffer[]): string[] {
  const lines: string[] = []
  const splitter = splitLines((text) => lines.push(text))
  for (const chunk of chunks) splitter.write(chunk)
  splitter.end()
  return lines
}

describe('splitting output into lines', () => {
  it('takes LF and CR LF, empty lines and a last line without an end', () => {
    expect(linesOf('one\r\ntw', 'o\n\nthree')).toEqual(['one', 'two', '', 'three'])
    expect(linesOf('one\n')).toEqual(['one'])
    expect(linesOf('')).toEqual([])
  })

  it('puts characters together that were cut between two chunks', () => {
    const bytes = Buffer.from('tür 🚪\n')
    for (let cut = 1; cut < bytes.length; cut += 1)
      expect(split([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(['tür 🚪'])
  })

  it('replaces bytes that are no UTF-8', () => {
    expect(linesOf(Buffer.from([0x61, 0xff, 0x62, 0x0a]))).toEqual(['a\ufffdb'])
  })

  it('keeps a line of exactly the limit whole and marks how much of a longer one was cut', () => {
    const longest = 'x'.repeat(longestLine)
    expect(linesOf(`${longest}\nnext\n`)).toEqual([longest, 'next'])
    expect(linesOf(`${longest}yyy\nnext\n`)).toEqual([`${longest}… [cut: 3 bytes]`, 'next'])
    expect(linesOf(longest, 'yyyy')).toEqual([`${longest}… [cut: 4 bytes]`])
  })

  it('does not cut a character in two', () => {
    const [line = ''] = linesOf(`${'x'.repeat(longestLine - 1)}🚪 and more\n`)
    expect(line).not.toContain('\ufffd')
    expect(line).toMatch(/x… \[cut: \d+ bytes\]$/)
  })
})

describe('the last lines', () => {
  it('are ten, and none of them long', () => {
    const last = new LastLines()
    for (let line = 1; line <= 12; line += 1) last.add(`${line}${'x'.repeat(10_000)}`)
    expect(last.lines).toHaveLength(10)
    expect(last.lines[0]).toMatch(/^3x+…$/)
    expect(Math.max(...last.lines.map((line) => line.length))).toBeLessThan(600)
  })
})
