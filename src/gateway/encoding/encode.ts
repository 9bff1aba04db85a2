/** Content codings by node:zlib, which runs in libuv's thread pool. */
import { promisify } from 'node:util'
import {
  type BrotliCompress,
  type BrotliOptions,
  brotliCompress,
  constants,
  createBrotliCompress,
  createGzip,
  createZstdCompress,
  type Gzip,
  gzip,
  type ZlibOptions,
  type ZstdCompress,
  type ZstdOptions,
  zstdCompress,
} from 'node:zlib'
import type { ContentEncoding } from '../../plan/model/plan.ts'

interface Levels {
  readonly gzip: ZlibOptions
  readonly br: BrotliOptions
  readonly zstd: ZstdOptions
}

/** For a body that is encoded once and sent often: about 20 to 50 ms per megabyte. */
const thorough: Levels = {
  gzip: { level: 7 },
  br: { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } },
  zstd: { params: { [constants.ZSTD_c_compressionLevel]: 9 } },
}

/** For a body that is sent once: about 10 ms per megabyte. */
const quick: Levels = {
  gzip: { level: 4 },
  br: { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } },
  zstd: { params: { [constants.ZSTD_c_compressionLevel]: 3 } },
}

const gzipWhole = promisify<Buffer, ZlibOptions, Buffer>(gzip)
const brotliWhole = promisify<Buffer, BrotliOptions, Buffer>(brotliCompress)
const zstdWhole = promisify<Buffer, ZstdOptions, Buffer>(zstdCompress)

export type Effort = 'quick' | 'thorough'

/** Encodes a complete body: quickly for a client that waits, thoroughly if it will be sent more than once. */
export function encodeBuffer(encoding: ContentEncoding, body: Buffer, effort: Effort): Promise<Buffer> {
  const levels = effort === 'quick' ? quick : thorough
  switch (encoding) {
    case 'gzip':
      return gzipWhole(body, levels.gzip)
    case 'br': {
      const sized = { ...levels.br.params, [constants.BROTLI_PARAM_SIZE_HINT]: body.length }
      return brotliWhole(body, { params: sized })
    }
    case 'zstd':
      return zstdWhole(body, levels.zstd)
  }
}

/**
 * A stream that encodes what is written to it. It emits bytes when it has enough for a block; `flush(callback)` makes
 * it emit what it holds.
 */
export function createEncoder(encoding: ContentEncoding): Gzip | BrotliCompress | ZstdCompress {
  switch (encoding) {
    case 'gzip':
      return createGzip(quick.gzip)
    case 'br':
      return createBrotliCompress(quick.br)
    case 'zstd':
      return createZstdCompress(quick.zstd)
  }
}
