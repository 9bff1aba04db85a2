import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { isCompressible } from '../../../src/gateway/encoding/compressible.ts'
import { createEncoder, encodeBuffer } from '../../../src/gateway/encoding/encode.ts'

const body = Buffer.from('All of this is said more than once. '.repeat(2_000))
const decoded = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync }

describe.each(['gzip', 'br', 'zstd'] as const)('the encoding %s', (encoding) => {
  it.each(['quick', 'thorough'] as const)('of a whole body, %s, is shorter and decodes to it', async (effort) => {
    const encoded = await encodeBuffer(encoding, body, effort)
    expect(encoded.length).toBeLessThan(body.length / 10)
    expect(decoded[encoding](encoded).equals(body)).toBe(true)
    expect(decoded[encoding](await encodeBuffer(encoding, Buffer.alloc(0), effort)).length).toBe(0)
  })

  it('of a stream decodes to what was written', async () => {
    const encoder = createEncoder(encoding)
    for (let at = 0; at < body.length; at += 1_000) encoder.write(body.subarray(at, at + 1_000))
    encoder.end()
    expect(decoded[encoding](await buffer(encoder)).equals(body)).toBe(true)
  })

  it('of a stream emits what it holds on flush', async () => {
    const encoder = createEncoder(encoding)
    encoder.write('an event')
    const given = new Promise<Buffer>((resolve) => encoder.once('data', resolve))
    encoder.flush(() => {})
    expect((await given).length).toBeGreaterThan(0)
    encoder.destroy()
  })
})

describe('a media type', () => {
  it.each(['text/html; charset=utf-8', 'TEXT/CSS', 'application/problem+json', 'image/svg+xml', 'application/wasm'])(
    '%s is worth encoding',
    (type) => expect(isCompressible(type)).toBe(true),
  )

  it.each(['image/png', 'font/woff2', 'text/event-stream', 'text/event-stream;charset=utf-8', 'video/mp4', ''])(
    '%j is not',
    (type) => expect(isCompressible(type)).toBe(false),
  )
})
