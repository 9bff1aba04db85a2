/** Answers a GET or HEAD with a file: conditions, ranges, and the bytes in as few writes as possible. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ContentEncoding } from '../../plan/model/plan.ts'
import type { Bytes } from '../../shared/bytes.ts'
import { createEncoder } from '../encoding/encode.ts'
import type { Exchange } from '../request/exchange.ts'
import { leaseMemory } from '../response/answer-memory.ts'
import { reserveEncoder } from '../response/encoder-limit.ts'
import type { FlatHeaders } from '../response/flat-headers.ts'
import { sendError, sendHead } from '../response/respond.ts'
import { evaluate, isConditional, isPartOf } from './conditions.ts'
import { FileChanged, type FileFacts, isGrown, isSame, openFile, type Part, readPart } from './disk.ts'
import { sendPieces } from './pump.ts'
import { readRange } from './range.ts'
import type { Representation } from './representation.ts'
import type { StoredFile } from './stored-file.ts'

export interface SendOptions {
  /** The client's preferred encodings, best first. */
  readonly accepted: readonly ContentEncoding[]
  /** Name and value in turn, for answers with the file, or that the client's copy is current. */
  readonly headers: FlatHeaders
}

/** Larger bodies are written in pieces, so that a slow client does not have all of it encrypted and buffered. */
const largestWrite = 256 * 1024

/**
 * Synchronous if the file is in memory. Rejects with errors for `problemOf`, and with FileChanged if the file was
 * replaced.
 */
export function sendFile(exchange: Exchange, file: StoredFile, options: SendOptions): void | Promise<void> {
  const { headers, method } = exchange.request
  if (method === 'GET' && headers.range !== undefined) return sendWithRange(exchange, file, options)
  const form = file.best(options.accepted)
  if (form instanceof Promise) return form.then((loaded) => sendForm(exchange, file, loaded, options))
  return sendForm(exchange, file, form, options)
}

function sendForm(
  exchange: Exchange,
  file: StoredFile,
  form: Representation,
  options: SendOptions,
): void | Promise<void> {
  if (exchange.over || endsByCondition(exchange, file, form, options.headers)) return
  if (form.encodeAs && exchange.request.method !== 'HEAD' && !reserveEncoder(exchange))
    return sendPlain(exchange, file, options)
  return sendBody(exchange, file, form, options)
}

async function sendPlain(exchange: Exchange, file: StoredFile, options: SendOptions): Promise<void> {
  const plain = await file.plain()
  if (!exchange.over) await sendBody(exchange, file, plain, options)
}

/** Ranges are served of the unencoded file only; an invalid range is ignored. */
async function sendWithRange(exchange: Exchange, file: StoredFile, options: SendOptions): Promise<void> {
  const { headers } = exchange.request
  const plain = await file.plain()
  const part = readRange(headers.range ?? '', plain.size)
  if (part === 'whole' || !isPartOf(headers['if-range'], plain.etag)) {
    return sendForm(exchange, file, await file.best(options.accepted), options)
  }
  if (exchange.over || endsByCondition(exchange, file, plain, options.headers)) return
  if (part === 'none') {
    sendError(exchange, 416, 'range not satisfiable', ['content-range', `bytes */${plain.size}`])
    return
  }
  await sendBody(exchange, file, plain, { ...options, part })
}

function endsByCondition(exchange: Exchange, file: StoredFile, form: Representation, headers: FlatHeaders): boolean {
  const sent = exchange.request.headers
  if (!isConditional(sent)) return false
  const alsoCurrent = [form.formerTag, file.plainTag]
  const verdict = evaluate(sent, { etag: form.etag, alsoCurrent, modified: file.modified })
  if (verdict === 'send') return false
  if (verdict === 'precondition-failed') {
    sendError(exchange, 412, 'precondition failed: the file has changed')
  } else {
    // RFC 9110 §15.4.5: what a cache needs to select the copy that is current, and nothing that describes the body.
    const vary = form.headers.includes('vary') ? ['vary', 'accept-encoding'] : []
    sendHead(exchange, 304, ['etag', verdict.notModified, ...vary, ...headers])
    exchange.response.end()
  }
  return true
}

function sendBody(
  exchange: Exchange,
  file: StoredFile,
  form: Representation,
  options: SendOptions & { readonly part?: Part },
): void | Promise<void> {
  const { body } = form
  const { headers, part } = options
  if (!body) return streamBody(exchange, file, form, options)
  const sent = part ? body.subarray(part.from, part.to) : body
  sendHeadOf(exchange, form, headers, part)
  if (exchange.request.method === 'HEAD') {
    exchange.response.end()
  } else if (sent.length > largestWrite) {
    return sendSlices(exchange, sent)
  } else {
    exchange.bytesSent = sent.length
    exchange.response.end(sent)
  }
}

async function streamBody(
  exchange: Exchange,
  file: StoredFile,
  seen: Representation,
  { headers, part }: SendOptions & { readonly part?: Part },
): Promise<void> {
  const { handle, facts } = await openFile(seen.path)
  try {
    const form = isSame(facts, seen.facts) ? seen : asGrown(exchange, file, seen, facts)
    const { from, to } = part ?? { from: 0, to: form.size }
    if (exchange.over) return
    sendHeadOf(exchange, form, headers, to - from < form.size ? { from, to } : undefined)
    if (exchange.request.method === 'HEAD') return void exchange.response.end()
    const memory = leaseMemory(exchange, to - from)
    try {
      const pieces = readPart(handle, facts, { from, to }, memory.size)
      await sendPieces(exchange, form.encodeAs ? encoded(form.encodeAs, pieces) : pieces)
    } finally {
      memory.release()
    }
  } finally {
    await handle.close()
  }
}

/** The body is in memory already, but each write may be buffered once more, encrypted. */
async function sendSlices(exchange: Exchange, body: Buffer): Promise<void> {
  const memory = leaseMemory(exchange, body.length)
  try {
    await sendPieces(exchange, slices(body, memory.size))
  } finally {
    memory.release()
  }
}

/**
 * A log may have grown since it was looked up; but a client that has a part of it must get the rest of the same state.
 */
function asGrown({ request }: Exchange, file: StoredFile, seen: Representation, facts: FileFacts): Representation {
  if (!isGrown(facts, seen.facts) || request.headers['if-range'] !== undefined) throw new FileChanged(seen.path)
  return file.grown(seen, facts)
}

function sendHeadOf(exchange: Exchange, form: Representation, added: FlatHeaders, part: Part | undefined): void {
  const { headers, size, encodeAs } = form
  if (part) {
    const range = `bytes ${part.from}-${part.to - 1}/${size}`
    const length = String(part.to - part.from)
    sendHead(exchange, 206, [...headers, 'content-length', length, 'content-range', range, ...added])
  } else if (encodeAs) {
    sendHead(exchange, 200, [...headers, ...added])
  } else {
    sendHead(exchange, 200, [...headers, 'content-length', String(size), ...added])
  }
}

function* slices(body: Buffer, length: Bytes): Generator<Buffer> {
  for (let at = 0; at < body.length; at += length) yield body.subarray(at, at + length)
}

async function* copies(source: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  for await (const piece of source) yield Buffer.from(piece)
}

/** Ends the source too if it is left early, and fails if the source does. */
async function* encoded(encoding: ContentEncoding, source: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const encoder = createEncoder(encoding)
  // Errors are thrown by the loop below as well.
  const piped = pipeline(Readable.from(copies(source), { highWaterMark: 1 }), encoder).catch(() => {})
  try {
    yield* encoder as AsyncIterable<Buffer>
  } finally {
    encoder.destroy()
    await piped
  }
}
