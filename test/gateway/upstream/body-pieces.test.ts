import { createHash, randomBytes, randomInt } from 'node:crypto'
import { expect, it } from 'vitest'
import { isReusable, keepPieces, releasePiece } from '../../../src/gateway/upstream/body-pieces.ts'

const digest = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex')

it('a piece is a copy of what was read, in one or in several parts', () => {
  const read = randomBytes(60_000)
  const [whole, parts] = [keepPieces([read]), keepPieces([read.subarray(0, 5), read.subarray(5, 40_000)])]
  const [before, first] = [digest(read), digest(read.subarray(0, 40_000))]
  read.fill(0)
  expect([digest(whole), digest(parts)]).toEqual([before, first])
  for (const length of [0, 1, 16_383, 65_537, 200_000])
    expect(isReusable(keepPieces([Buffer.alloc(length)]))).toBe(false)
  for (const length of [16_384, 65_536]) expect(isReusable(keepPieces([Buffer.alloc(length)]))).toBe(true)
})

it('a buffer is used again once its piece is released, and only then', () => {
  const read = Buffer.alloc(30_000)
  const [one, two] = [keepPieces([read]), keepPieces([read])]
  expect(one.buffer).not.toBe(two.buffer)
  releasePiece(one)
  const three = keepPieces([read])
  expect(three.buffer).toBe(one.buffer)
  expect(keepPieces([read]).buffer).not.toBe(two.buffer)
})

it('a piece that is released twice, or was never lent, does not come back twice', () => {
  const read = Buffer.alloc(30_000)
  const once = keepPieces([read])
  releasePiece(once)
  releasePiece(once)
  releasePiece(Buffer.allocUnsafeSlow(65_536))
  const buffers = Array.from({ length: 40 }, () => keepPieces([read]).buffer)
  expect(new Set(buffers).size).toBe(40)
})

it('no piece changes before it is released, in whatever order pieces come and go', () => {
  const held: { readonly piece: Buffer; readonly was: string }[] = []
  for (let i = 0; i < 5_000; i++) {
    const read = randomBytes(randomInt(1, 70_000) >> randomInt(0, 8) || 1)
    held.push({ piece: keepPieces([read]), was: digest(read) })
    if (held.length < randomInt(1, 60)) continue
    const [one] = held.splice(randomInt(held.length), 1)
    if (!one) continue
    expect(digest(one.piece)).toBe(one.was)
    releasePiece(one.piece)
  }
})
