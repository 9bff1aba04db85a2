import { describe, expect, it } from 'vitest'
import { mediaType } from '../../../src/gateway/files/media-type.ts'
import { mediaTypes } from '../../../src/gateway/files/media-types.ts'

const rows = mediaTypes
  .trim()
  .split('\n')
  .map((line) => line.split('|'))

describe('the table of media types', () => {
  it('has a type, extensions and nothing else in each line, and each extension once', () => {
    for (const [type, ...extensions] of rows) {
      expect(type).toMatch(/^[a-z-]+\/[a-z0-9.+-]+$/)
      expect(extensions.pop()).toBe('')
      expect(extensions).not.toEqual([])
      for (const extension of extensions) expect(extension).toMatch(/^[a-z0-9_+-]+$/)
    }
    const extensions = rows.flatMap(([, ...some]) => some.slice(0, -1))
    expect(new Set(extensions).size).toBe(extensions.length)
    expect(extensions.length).toBeGreaterThan(1_000)
  })

  it('gives a file of each extension, in any case, the type of its line', () => {
    for (const [type = '', ...extensions] of rows)
      for (const extension of extensions.slice(0, -1)) {
        const expected = type.startsWith('text/') ? `${type}; charset=utf-8` : type
        expect([extension, mediaType(`a.b/c.${extension}`)]).toEqual([extension, expected])
        expect([extension, mediaType(`c.${extension.toUpperCase()}`)]).toEqual([extension, expected])
      }
  })

  it.each([
    ['cjs', 'text/javascript; charset=utf-8'],
    ['flac', 'audio/flac'],
    ['js', 'text/javascript; charset=utf-8'],
    ['mjs', 'text/javascript; charset=utf-8'],
    ['mp4', 'video/mp4'],
    ['ts', 'video/mp2t'],
    ['wasm', 'application/wasm'],
    ['woff2', 'font/woff2'],
    ['yml', 'application/yaml'],
    ['zst', 'application/zstd'],
  ])('has the type of .%s that browsers and the RFCs ask for', (extension, type) => {
    expect(mediaType(`file.${extension}`)).toBe(type)
  })

  it.each(['file', 'file.', '.html', 'file.exe', 'file.html|htm', 'file.\ntext', 'file.html ', 'file.constructor'])(
    'has none for %j',
    (name) => {
      expect(mediaType(name)).toBe('application/octet-stream')
    },
  )
})
