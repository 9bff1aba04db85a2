import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { flags, frame, frameTypes, preface, settings } from '../../../faults/gateway/h2-wire.ts'
import { answer, get, Opened, settingsAcknowledged, settled } from './opened.ts'

const bare = () => new Opened({ settings: null })

describe('the beginning of a connection', () => {
  it('is our settings, and a window of 256 KB', async () => {
    const opened = bare()
    await settled()
    expect(opened.of(0)).toEqual(['settings', 'window 0 196609'])
    expect(opened.frames[0]?.payload.toString('hex')).toBe(
      `000300000080${'0006'}${(32_000 + 4_096).toString(16).padStart(8, '0')}`,
    )
  })

  it('may come byte by byte', async () => {
    const opened = bare()
    for (const byte of Buffer.concat([preface, settings({ 3: 5 }), settingsAcknowledged, get(1)])) {
      opened.send(Buffer.from([byte]))
    }
    await settled()
    answer(opened.last, 'good')
    await settled()
    expect(opened.seen).toEqual(['head 1 200', 'data 1 4 end'])
    expect(opened.frames.filter(({ type, flags: set }) => type === frameTypes.settings && set === 1)).toHaveLength(1)
  })

  it.each([
    ['of HTTP/1', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['that is wrong in its last byte', Buffer.concat([preface.subarray(0, -1), Buffer.from('\r')])],
    ['of frames', settings({})],
    ['and a request before SETTINGS', Buffer.concat([preface, get(1)])],
    ['and a PING before SETTINGS', Buffer.concat([preface, frame('ping', { payload: Buffer.alloc(8) })])],
    [
      'and a frame of an unknown kind before SETTINGS',
      Buffer.concat([preface, Buffer.from([0, 0, 0, 77, 0, 0, 0, 0, 0])]),
    ],
    ['and DATA before SETTINGS', Buffer.concat([preface, frame('data', { stream: 1 })])],
    ['and an acknowledgement alone', Buffer.concat([preface, settingsAcknowledged, get(1)])],
  ])('%s ends it', async (_what, bytes) => {
    for (const pieces of [[bytes], [...bytes].map((byte) => Buffer.from([byte]))]) {
      const opened = bare()
      for (const piece of pieces) opened.send(piece)
      await settled()
      expect(opened.seen).toEqual(['goaway 0 PROTOCOL_ERROR'])
      expect(opened.begun).toEqual([])
      expect(opened.closed).toBe(1)
      expect(opened.wire.destroyed).toBe(true)
    }
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['half of the preface', preface.subarray(0, 10)],
    ['no settings', preface],
    ['half of its settings', Buffer.concat([preface, settings({ 3: 1 }).subarray(0, 12)])],
  ])('a client that sends %s is closed after the timeout of heads', async (_what, bytes) => {
    const opened = new Opened({ settings: null, headerTimeout: 20 })
    const closed = once(opened.wire, 'close')
    if (bytes.length > 0) opened.send(bytes)
    await closed
    expect(opened.seen).toEqual(['goaway 0 NO_ERROR'])
    expect(opened.closed).toBe(1)
  })

  it('a client that sends half of a head is closed after the idle timeout', async () => {
    const opened = new Opened({ idleTimeout: 20 })
    const closed = once(opened.wire, 'close')
    opened.send(get(1).subarray(0, 20))
    await closed
    expect(opened.seen).toEqual(['goaway 0 NO_ERROR'])
  })
})

describe('settings', () => {
  it.each([
    ['of half an entry', frame('settings', { payload: Buffer.alloc(7) }), 'FRAME_SIZE_ERROR'],
    ['of 17 entries', frame('settings', { payload: Buffer.alloc(17 * 6) }), 'ENHANCE_YOUR_CALM'],
    ['on a stream', frame('settings', { stream: 1 }), 'PROTOCOL_ERROR'],
    [
      'acknowledged with entries',
      frame('settings', { flags: flags.acknowledgement, payload: Buffer.alloc(6) }),
      'FRAME_SIZE_ERROR',
    ],
    ['acknowledged on a stream', frame('settings', { flags: flags.acknowledgement, stream: 3 }), 'PROTOCOL_ERROR'],
    ['with push of 2', settings({ 2: 2 }), 'PROTOCOL_ERROR'],
    ['with a window of 2^31', settings({ 4: 2 ** 31 }), 'FLOW_CONTROL_ERROR'],
    ['with frames of 16383 bytes', settings({ 5: 16_383 }), 'PROTOCOL_ERROR'],
    ['with frames of 2^24 bytes', settings({ 5: 2 ** 24 }), 'PROTOCOL_ERROR'],
  ])('%s end the connection', async (_what, bytes, error) => {
    const opened = await new Opened().after(bytes)
    expect(opened.seen).toEqual([`goaway 0 ${error}`])
    expect(opened.wire.destroyed).toBe(true)
  })

  it('with entries of unknown kinds, and the largest values, are acknowledged', async () => {
    const opened = await new Opened().after(
      settings({ 1: 2 ** 32 - 1, 2: 1, 3: 0, 4: 2 ** 31 - 1, 5: 2 ** 24 - 1, 6: 0, 8: 1, 65535: 7 }),
    )
    expect(opened.frames.filter(({ flags: set }) => set === flags.acknowledgement)).toHaveLength(2)
    expect(await opened.answers()).toBe(true)
  })
})
