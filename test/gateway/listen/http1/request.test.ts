import { describe, expect, it } from 'vitest'
import { type BodySource, Http1Request } from '../../../../src/gateway/listen/http1/request.ts'
import { readRequestHead } from '../../../../src/gateway/listen/http1/request-head.ts'
import { randomFrom } from '../../proxy/client/mutations.ts'
import { settled } from './opened.ts'
import { Wire } from './wire.ts'

class Source implements BodySource {
  readonly socket = new Wire()
  paused = false

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }
}

function open() {
  const source = new Source()
  const request = new Http1Request(readRequestHead('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'), source)
  const events: string[] = []
  request.on('end', () => events.push('end'))
  request.on('aborted', () => events.push('aborted'))
  const listen = () => request.on('data', (piece: Buffer) => events.push(String(piece)))
  return { source, request, events, listen }
}

const push = (request: Http1Request, text: string) => {
  const bytes = Buffer.from(text)
  request.push(bytes)
  bytes.fill('#')
}

describe('a request with a body', () => {
  it('holds what comes before there is a reader, up to 64 KB', async () => {
    const { source, request, events, listen } = open()
    push(request, 'a'.repeat(40_000))
    expect(source.paused).toBe(false)
    push(request, 'b'.repeat(40_000))
    expect([source.paused, request.readableLength]).toEqual([true, 80_000])
    request.end(['X', '1'])
    expect(request.complete).toBe(true)
    await settled()
    expect(events).toEqual([])
    listen()
    expect(events, 'not within the call that adds the reader').toEqual([])
    await settled()
    expect(events).toEqual(['a'.repeat(40_000), 'b'.repeat(40_000), 'end'])
    expect([source.paused, request.readableLength, request.rawTrailers]).toEqual([false, 0, ['X', '1']])
  })

  it('delivers at once while it flows', async () => {
    const { request, events, listen } = open()
    listen()
    await settled()
    push(request, 'a')
    request.end([])
    expect(events).toEqual(['a', 'end'])
  })

  it('keeps the order of what it holds and what comes', async () => {
    const { request, events, listen } = open()
    push(request, 'a')
    listen()
    push(request, 'b')
    await settled()
    push(request, 'c')
    expect(events).toEqual(['a', 'b', 'c'])
  })

  it('delivers nothing while its reader pauses, not even the end', async () => {
    const { source, request, events, listen } = open()
    listen()
    await settled()
    request.pause()
    expect(request.isPaused()).toBe(true)
    push(request, 'a')
    request.end([])
    await settled()
    expect([events, source.paused]).toEqual([[], true])
    request.resume()
    request.pause()
    await settled()
    expect(events).toEqual([])
    request.resume()
    await settled()
    expect([events, source.paused]).toEqual([['a', 'end'], false])
  })

  it('stops between two pieces if the first one makes its reader pause', async () => {
    const { request, events } = open()
    push(request, 'a')
    push(request, 'b')
    request.on('data', (piece: Buffer) => {
      events.push(String(piece))
      request.pause()
    })
    await settled()
    expect([events, request.readableLength]).toEqual([['a'], 1])
    request.resume()
    await settled()
    expect(events).toEqual(['a', 'b'])
  })

  it('that is discarded says nothing more, and lets its connection be read', async () => {
    const { source, request, events, listen } = open()
    listen()
    await settled()
    request.pause()
    push(request, 'a')
    request.discard()
    expect(source.paused).toBe(false)
    push(request, 'b')
    request.resume()
    request.end([])
    await settled()
    expect([events, request.complete, request.readableLength]).toEqual([[], true, 0])
  })

  it('whose rest cannot be read neither ends nor is aborted', async () => {
    const { request, events, listen } = open()
    push(request, 'a')
    request.break()
    listen()
    push(request, 'b')
    request.resume()
    request.abort()
    await settled()
    expect([events, request.complete, request.readableLength]).toEqual([[], false, 0])
  })

  it('whose client leaves is aborted once, unless all of it was delivered', async () => {
    const one = open()
    one.listen()
    push(one.request, 'a')
    one.request.abort()
    one.request.abort()
    await settled()
    expect(one.events).toEqual(['a', 'aborted'])
    const unread = open()
    push(unread.request, 'a')
    unread.request.end([])
    unread.request.abort()
    expect(unread.events).toEqual(['aborted'])
    const ended = open()
    ended.listen()
    await settled()
    ended.request.end([])
    ended.request.abort()
    expect(ended.events).toEqual(['end'])
  })

  it('delivers every byte in order, whatever is called in between', async () => {
    const random = randomFrom(7)
    for (let round = 0; round < 100; round++) {
      const { source, request } = open()
      let [sent, seen] = ['', '']
      let ends = 0
      request.on('end', () => {
        ends += 1
      })
      for (let step = 0; step < 30; step++) {
        const choice = random()
        if (choice < 0.4 && !source.paused) {
          const piece = String.fromCharCode(97 + (step % 26)).repeat(1 + Math.floor(random() * 30_000))
          sent += piece
          push(request, piece)
        } else if (choice < 0.5 && request.listenerCount('data') === 0) {
          request.on('data', (piece: Buffer) => {
            seen += piece
            if (random() < 0.2) request.pause()
          })
        } else if (choice < 0.65) request.pause()
        else if (choice < 0.8 && request.listenerCount('data') > 0) request.resume()
        else await settled()
        expect(sent.startsWith(seen)).toBe(true)
      }
      request.end([])
      if (request.listenerCount('data') === 0)
        request.on('data', (piece: Buffer) => {
          seen += piece
        })
      while (ends === 0) {
        request.resume()
        await settled()
      }
      expect([seen === sent, ends, request.readableLength]).toEqual([true, 1, 0])
    }
  })
})
