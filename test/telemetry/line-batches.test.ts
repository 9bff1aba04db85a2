import { expect, it } from 'vitest'
import { LineBatches, type Share } from '../../src/telemetry/line-batches.ts'

const size = 64
const texts = ['', 'a', 'ä'.repeat(9), '😀'.repeat(5), '\ud800', 'x'.repeat(size - 1), '€'.repeat(30), 'y'.repeat(200)]
const lines = Array.from({ length: 500 }, (_, index) => `${index} ${texts[(index * 7) % texts.length]}\n`)

/** What is taken is copied, as a descriptor would take it. */
function take(batches: LineBatches, most = Number.POSITIVE_INFINITY): Buffer {
  const { buffer, start, end } = batches.first ?? { buffer: Buffer.alloc(0), start: 0, end: 0 }
  const taken = Buffer.from(buffer.subarray(start, Math.min(end, start + most)))
  batches.written(taken.length)
  return taken
}

it('gives whole lines, as many as fit, and a longer one alone', () => {
  const batches = new LineBatches(size)
  const given: string[] = []
  for (const [index, line] of lines.entries()) {
    batches.push(line)
    if (index % 5 === 4) given.push(take(batches).toString())
  }
  while (batches.first) given.push(take(batches).toString())
  expect(given.join('')).toBe(Buffer.from(lines.join('')).toString())
  expect(batches.waiting).toBe(0)
  for (const batch of given) {
    expect(batch.endsWith('\n')).toBe(true)
    if (Buffer.byteLength(batch) > size) expect(batch.split('\n')).toHaveLength(2)
  }
})

it('loses and repeats no byte when writes are partial and lines come meanwhile', () => {
  const batches = new LineBatches(size)
  const given: Buffer[] = []
  for (const [index, line] of lines.entries()) {
    batches.push(line)
    given.push(take(batches, index % 41))
  }
  while (batches.first) given.push(take(batches, 13))
  expect(Buffer.concat(given).toString()).toBe(Buffer.from(lines.join('')).toString())
})

it('lets lines come behind those that are being written', () => {
  const batches = new LineBatches(size)
  batches.push('first\n')
  const writing = batches.first
  const end = writing?.end ?? 0
  batches.push('second\n')
  expect(writing?.buffer.toString('utf8', 0, end)).toBe('first\n')
  batches.written(end)
  expect(take(batches).toString()).toBe('second\n')
})

it('takes encoded lines among the others, and nothing of one that cannot be encoded', () => {
  const batches = new LineBatches(size)
  const encode = (line: string, buffer: Uint8Array, at: number) => {
    if (line.includes('x')) return -1
    return at + Buffer.from(buffer.buffer, buffer.byteOffset).write(line, at)
  }
  const given: Buffer[] = []
  for (const [index, line] of lines.entries()) {
    const isEncoded = index % 3 > 0 && batches.encode(line, Buffer.byteLength(line) + (index % 20), encode)
    if (!isEncoded) batches.push(line)
    if (index % 5 === 0) given.push(take(batches, index % 41))
  }
  while (batches.first) given.push(take(batches))
  expect(Buffer.concat(given).toString()).toBe(Buffer.from(lines.join('')).toString())
  expect(batches.waiting).toBe(0)
})

it('counts what waits of each share, and gives it back', () => {
  const batches = new LineBatches(size)
  const shares: Share[] = [{ waiting: 0 }, { waiting: 0 }]
  for (const [index, line] of lines.entries()) batches.push(line, shares[index % 3])
  const bytesOf = (which: number) =>
    lines.reduce((total, line, index) => total + (index % 3 === which ? Buffer.byteLength(line) : 0), 0)
  expect(shares.map(({ waiting }) => waiting)).toEqual([bytesOf(0), bytesOf(1)])
  expect(batches.waiting).toBe(bytesOf(0) + bytesOf(1) + bytesOf(2))
  while (batches.first) take(batches)
  expect(shares.map(({ waiting }) => waiting)).toEqual([0, 0])
})
