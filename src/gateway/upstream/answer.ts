/** Passes an upstream's answer on to the client: heads, interim answers, trailers. */
import { STATUS_CODES } from 'node:http'
import type { ContentEncoding } from '../../plan/model/plan.ts'
import { neverTrailers } from '../proxy/trailer-fields.ts'
import type { Exchange } from '../request/exchange.ts'
import { answerFields, finalFields } from '../response/answer-fields.ts'
import { mustFitClientLimit } from '../response/h2-head.ts'
import { sendHead } from '../response/respond.ts'
import { type EncodedHead, encodeHead } from './answer-encoder.ts'

/**
 * Sends the final head on; `last`: the answer has neither a body nor trailers. Returns the encoding to apply to the
 * body, if any. Throws, with nothing sent, if the head cannot be sent.
 */
export function passHead(
  exchange: Exchange,
  status: number,
  raw: readonly string[],
  last: boolean,
): ContentEncoding | undefined {
  const { generation, request } = exchange
  const own = finalFields(status, raw)
  const { headers, encoding }: EncodedHead =
    generation.plan.compression.length === 0 || (last && request.method !== 'HEAD')
      ? { headers: own }
      : encodeHead(exchange, status, own, generation.negotiate)
  sendHead(exchange, status, headers, last)
  if (isEventStream(headers)) exchange.becomes('events')
  return encoding
}

/**
 * Sends on an interim answer, usually Early Hints (RFC 8297). It is dropped if it cannot be sent, or would have to be
 * buffered for a slow client. Headers that the rules remove are removed here too; those that they add are for the final
 * answer.
 */
export function passInterim(exchange: Exchange, status: number, raw: readonly string[]): void {
  const { response, request, rules, stream } = exchange
  if (isBehind(exchange)) return
  // RFC 9110 §15.2: HTTP/1.0 has no interim answers. 101 is not one, and 100 is sent by the gateway itself.
  if (request.httpVersion === '1.0' || status <= 101 || STATUS_CODES[status] === undefined) return
  const fields = noFields()
  eachField(answerFields(raw), (name, value) => {
    const lower = name.toLowerCase()
    if (lower !== 'set-cookie' && lower !== 'content-length' && !rules.governed.has(lower)) append(fields, lower, value)
  })
  try {
    if (stream) mustFitClientLimit(stream, 'an interim answer', raw)
    response.writeInformation(status, fields)
  } catch {}
}

/** Whether the client has yet to take what was sent to it before. */
function isBehind({ stream, request }: Exchange): boolean {
  if (!stream) return request.socket.writableNeedDrain
  return stream.connection.behind
}

/**
 * Throws if they cannot be sent. Over h1 they need a chunked answer, which one with trailers is, except to HTTP/1.0
 * clients.
 */
export function passTrailers({ response, rules, stream }: Exchange, raw: readonly string[]): void {
  const fields = noFields()
  eachField(answerFields(raw), (name, value) => {
    const lower = name.toLowerCase()
    if (!neverTrailers.has(lower) && !rules.governed.has(lower)) append(fields, stream ? lower : name, value)
  })
  if (stream) mustFitClientLimit(stream, 'trailers', raw)
  response.addTrailers(fields)
}

function eachField(flat: readonly string[], visit: (name: string, value: string) => void): void {
  for (let i = 0; i < flat.length; i += 2) visit(flat[i] as string, flat[i + 1] as string)
}

/** Without a prototype: a field may be called `constructor`, or `__proto__`. */
function noFields(): Record<string, string> {
  return Object.create(null)
}

/** RFC 9110 §5.3: repeated fields are one list. */
function append(fields: Record<string, string>, name: string, value: string): void {
  fields[name] = fields[name] === undefined ? value : `${fields[name]}, ${value}`
}

function isEventStream(headers: readonly string[]): boolean {
  const name = headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === 'content-type')
  return name !== -1 && /^text\/event-stream\b/i.test(headers[name + 1] ?? '')
}
