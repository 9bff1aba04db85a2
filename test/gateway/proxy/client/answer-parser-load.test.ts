import { describe, expect, it } from 'vitest'
import { parse } from './parsed.ts'

const ok = 'HTTP/1.1 200 OK\r\n'
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`

describe('an answer', () => {
  it('with nothing but blanks, commas and colons in its fields is read, or refused, in no time', () => {
    const began = performance.now()
    for (const piece of [' ', '\t', ',', ' ,', ':', ';', '"', 'timeout=']) {
      for (const name of ['Connection', 'Keep-Alive', 'Content-Length', 'Transfer-Encoding', 'Upgrade', 'X']) {
        const value = piece.repeat(60_000 / piece.length)
        parse([Buffer.from(`${ok}${name}: a${value}b\r\n\r\n`)], false)
        parse([Buffer.from(`${ok}${name}:${value}\r\n\r\n`)], false)
      }
      parse([Buffer.from(`${ok}${piece.repeat(60_000 / piece.length)}\r\n\r\n`)], false)
    }
    // Squares of 60,000 would take minutes.
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  it('in a hundred thousand chunks of one byte is read', () => {
    const bytes = Buffer.from(`${chunked}${'1\r\nx\r\n'.repeat(100_000)}0\r\n\r\n`)
    const reads = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, i) =>
      bytes.subarray(i * 65_536, (i + 1) * 65_536),
    )
    expect(parse(reads, false)).toMatchObject({ complete: true, body: 'x'.repeat(100_000) })
  })
})
