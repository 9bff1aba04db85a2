/** Header blocks: the examples of RFC 7541, what nghttp2 writes and reads, and blocks that are malformed. */
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import { createConnection } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ConnectionError } from '../../../src/gateway/http2/error-codes.ts'
import { HpackDecoder } from '../../../src/gateway/http2/hpack/decoder.ts'
import { encodeField, encodePseudo, noDynamicTable } from '../../../src/gateway/http2/hpack/encode.ts'
import { flags, frame, frameReader, frameTypes, preface, prefixedInteger } from '../../faults/gateway/h2-wire.ts'
import { listening } from '../upstreams.ts'

const noLimit = 1_000_000

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')

describe('the examples of RFC 7541', () => {
  const request = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com']
  const location = 'https://www.example.com'
  const dates = ['Mon, 21 Oct 2013 20:13:21 GMT', 'Mon, 21 Oct 2013 20:13:22 GMT']
  const series: Readonly<Record<string, readonly (readonly [hex: string, fields: readonly string[]])[]>> = {
    'C.3, requests': [
      ['8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', request],
      ['8286 84be 5808 6e6f 2d63 6163 6865', [...request, 'cache-control', 'no-cache']],
    ],
    'C.4, requests in Huffman code': [
      ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', request],
      ['8286 84be 5886 a8eb 1064 9cbf', [...request, 'cache-control', 'no-cache']],
    ],
    'C.6, answers in Huffman code': [
      [
        '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
        [':status', '302', 'cache-control', 'private', 'date', dates[0] as string, 'location', location],
      ],
      [
        '4883 640e ffc1 c0bf',
        [':status', '307', 'cache-control', 'private', 'date', dates[0] as string, 'location', location],
      ],
    ],
  }

  it.each(Object.entries(series))('%s', (_what, blocks) => {
    const decoder = new HpackDecoder()
    for (const [hex, fields] of blocks) expect(decoder.decode(bytes(hex), noLimit)).toEqual({ fields, tooLong: false })
  })
})

describe('together with nghttp2', () => {
  let server: Http2Server | undefined
  afterEach(
    () =>
      new Promise<void>((resolve) => {
        if (server?.listening) server.close(() => resolve())
        else resolve()
      }),
  )

  /** Values of all bytes that a field may have, short and long, new and repeated. */
  function values(round: number): string[] {
    const allowed = Array.from({ length: 256 }, (_, code) => code).filter((code) => code > 32 && code !== 127)
    const all = String.fromCharCode(...allowed)
    const at = (round * 37) % all.length
    return ['', `v${round % 7}`, all.slice(at), all[at]?.repeat(1 + ((round * round) % 300)) ?? '', `a b\tc${round}`]
  }

  it('what it writes is read, with its Huffman code and its table', async () => {
    server = createServer((_request, response) => {
      round += 1
      for (const [index, value] of values(round).entries()) response.setHeader(`x-${index}-${round % 5}`, value)
      response.end()
    })
    let round = 0
    const { port } = await listening(server as unknown as Parameters<typeof listening>[0])
    const socket = createConnection(port, '127.0.0.1')
    const decoder = new HpackDecoder()
    let read = 0
    const rounds = 60
    await new Promise<void>((resolve, reject) => {
      const ask = () => socket.write(frame('headers', { stream: 2 * read + 1, flags: 5, payload: asked }))
      const asked = Buffer.from(
        `${encodePseudo(':method', 'GET')}${encodePseudo(':scheme', 'http')}${encodePseudo(':path', '/')}` +
          encodePseudo(':authority', 'a'),
        'latin1',
      )
      socket.write(Buffer.concat([preface, frame('settings')]))
      ask()
      socket.on(
        'data',
        frameReader(({ type, flags: set, payload }) => {
          if (type === frameTypes.settings && (set & flags.acknowledgement) === 0)
            socket.write(frame('settings', { flags: flags.acknowledgement }))
          if (type !== frameTypes.headers) return
          try {
            const { fields } = decoder.decode(payload, noLimit)
            read += 1
            const expected = values(read).flatMap((value, index) => [`x-${index}-${read % 5}`, value])
            expect(fields.slice(0, 2)).toEqual([':status', '200'])
            expect(fields.filter((_, i) => (fields[i - (i % 2)] as string).startsWith('x-'))).toEqual(expected)
          } catch (error) {
            reject(error)
          }
          if (read === rounds) resolve()
          else ask()
        }),
      )
    })
    socket.destroy()
  })

  it('what is written is read by it', async () => {
    const seen: string[][] = []
    server = createServer()
    server.on('stream', (stream: ServerHttp2Stream, _headers, _flags, raw: string[]) => {
      seen.push(raw)
      stream.respond({}, { endStream: true })
    })
    const { port } = await listening(server as unknown as Parameters<typeof listening>[0])
    const socket = createConnection(port, '127.0.0.1')
    socket.write(Buffer.concat([preface, frame('settings', { payload: bytes('000100000000') })]))
    const names = ['accept', 'cookie', 'link', 'referer', 'user-agent', 'via', 'x-own', 'x-forwarded-for']
    const sent = Array.from({ length: 40 }, (_, round) => {
      const fields = values(round).flatMap((value, index) => [
        names[(round + 3 * index) % names.length] as string,
        value.trim(),
      ])
      return [
        ':method',
        round % 2 ? 'GET' : 'PUT',
        ':scheme',
        'https',
        ':authority',
        'a',
        ':path',
        `/${'p'.repeat(round * 9)}`,
        ...fields,
      ]
    })
    for (const [index, fields] of sent.entries()) {
      let block = index === 0 ? noDynamicTable : ''
      for (let i = 0; i < fields.length; i += 2)
        block += (i < 8 ? encodePseudo : encodeField)(fields[i] as string, fields[i + 1] as string)
      const payload = Buffer.from(block, 'latin1')
      socket.write(frame('headers', { stream: 2 * index + 1, flags: 5, payload }))
    }
    while (seen.length < sent.length) await new Promise((resolve) => server?.once('stream', resolve))
    expect(seen).toEqual(sent)
    socket.destroy()
  })
})

describe('a block', () => {
  const literal = (text: string) => Buffer.concat([prefixedInteger(text.length, 7), Buffer.from(text, 'latin1')])
  const added = (name: string, value: string) => Buffer.concat([Buffer.from([0x40]), literal(name), literal(value)])

  it('above the limit leaves out the rest, and still changes the table', () => {
    const decoder = new HpackDecoder()
    const { fields, tooLong } = decoder.decode(Buffer.concat([added('a', 'b'), added('c', 'd')]), 40)
    expect([fields, tooLong]).toEqual([['a', 'b'], true])
    expect(decoder.decode(bytes('be bf'), noLimit).fields).toEqual(['c', 'd', 'a', 'b'])
  })

  it('evicts the oldest fields, all of them for one that is too large', () => {
    const decoder = new HpackDecoder()
    const value = 'v'.repeat(1_000)
    for (let n = 0; n < 2_000; n++) decoder.decode(added(`n${n}`, value), noLimit)
    expect(decoder.decode(bytes('be bf c0'), noLimit).fields).toEqual(['n1999', value, 'n1998', value, 'n1997', value])
    expect(() => decoder.decode(bytes('c1'), noLimit)).toThrow(ConnectionError)
    expect(decoder.decode(added('big', 'b'.repeat(5_000)), noLimit).fields).toHaveLength(2)
    expect(() => decoder.decode(bytes('be'), noLimit)).toThrow(ConnectionError)
  })

  it('may make the table smaller', () => {
    const decoder = new HpackDecoder()
    decoder.decode(added('a', 'b'), noLimit)
    decoder.decode(bytes('20'), noLimit)
    expect(() => decoder.decode(bytes('be'), noLimit)).toThrow(ConnectionError)
    decoder.decode(Buffer.concat([bytes('3f e1 1f'), added('c', 'd')]), noLimit)
    expect(decoder.decode(bytes('be'), noLimit).fields).toEqual(['c', 'd'])
  })

  it.each([
    ['index 0', '80'],
    ['a name with an index beyond the table', '7f 80 01 00'],
    ['an index beyond the table', 'be'],
    ['an endless number', 'ff ff ff ff ff ff ff'],
    ['a number that breaks off', 'ff 80'],
    ['a name that breaks off', '40 05 61'],
    ['no value', '40 01 61'],
    ['a table above its limit', '3f e2 1f'],
    ['a change of the table after a field', '82 20'],
    ['a Huffman code that is padded with zeros', '40 81 00 00'],
    ['a Huffman code that is padded with a byte', '40 82 1f ff 00'],
    ['a Huffman code with an end', '40 84 ff ff ff ff 00'],
  ])('with %s is an error of the connection', (_what, hex) => {
    expect(() => new HpackDecoder().decode(bytes(hex), noLimit)).toThrow(ConnectionError)
  })

  it('of random bytes is read, or is an error of the connection', () => {
    for (let seed = 1; seed <= 20_000; seed++) {
      let state = seed * 2_654_435_761
      const random = Buffer.from(
        Array.from({ length: seed % 40 }, () => {
          state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
          return state >>> 24
        }),
      )
      try {
        const { fields } = new HpackDecoder().decode(random, noLimit)
        expect(fields.length % 2).toBe(0)
      } catch (error) {
        expect(error, random.toString('hex')).toBeInstanceOf(ConnectionError)
      }
    }
  })
})
