/** Frames of answers, for upstreams on a wire. */
import { type Field, flags, frame, headers, uint32 } from '../../../faults/gateway/h2-wire.ts'
import type { WireAnswer } from './wire-upstream.ts'

export const ok: Field = [':status', '200']
export const refusedStream = 7
export const cancel = 8

export function data(stream: number, text: string, endStream: boolean): Buffer {
  return frame('data', { stream, flags: endStream ? flags.endStream : 0, payload: Buffer.from(text) })
}

export function reset(stream: number, code: number): Buffer {
  return frame('resetStream', { stream, payload: uint32(code) })
}

export function goAway(lastStream: number, code: number): Buffer {
  return frame('goAway', { payload: Buffer.concat([uint32(lastStream), uint32(code)]) })
}

export const good: WireAnswer = (connection, stream) =>
  connection.write(headers(stream, [ok], false), data(stream, 'good', true))
