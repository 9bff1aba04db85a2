/** One HTTP/2 connection of a client, which carries many requests at a time. */
import type { Socket } from 'node:net'
import type { Bytes } from '../../../shared/bytes.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import { ConnectionError, type ErrorName, errorCodes } from '../../http2/error-codes.ts'
import { FrameReader, type FrameReceiver, uint31 } from '../../http2/frame-reader.ts'
import {
  flags,
  frameHead,
  frameTypes,
  goAwayFrame,
  headersFrames,
  initialWindow,
  maxFrameSize,
  maxWindow,
  pingFrame,
  preface,
  resetFrame,
  settingIds,
  settingsAcknowledgement,
  settingsFrame,
  windowFrame,
} from '../../http2/frames.ts'
import {
  expectConnection,
  expectLength,
  type HeaderBlock,
  HeaderBlocks,
  withoutPadding,
} from '../../http2/header-blocks.ts'
import { fieldOverhead, HpackDecoder } from '../../http2/hpack/decoder.ts'
import { noDynamicTable } from '../../http2/hpack/encode.ts'
import { Outbox } from '../../http2/outbox.ts'
import { PeerSettings } from '../../http2/peer-settings.ts'
import { http2 } from '../protocol-limits.ts'
import { Budget } from './budget.ts'
import { OpenStreams } from './open-streams.ts'
import { Http2Request } from './request.ts'
import { readRequestHead, readRequestTrailers } from './request-head.ts'
import { Http2Response } from './response.ts'
import { Http2Stream, type StreamConnection } from './stream.ts'

/** Bodies of all streams that were not read yet; each has 64 KB. */
const connectionWindow: Bytes = 262_144
/** Of what was sent, and not taken by the client. Beyond it, its requests are not read any further. */
const maxUntaken: Bytes = 262_144
/** How long a client may take to close a connection without streams, after it has taken all that was sent. */
const closeTimeout: Milliseconds = 2_000

export interface Http2Limits {
  readonly headerTimeout: Milliseconds
  readonly idleTimeout: Milliseconds
  readonly requestHeaders: Bytes
}

export interface Http2ConnectionEvents {
  request(request: Http2Request, response: Http2Response): void
  closed(connection: Http2Connection): void
  limits(): Http2Limits
}

/** A stream, and what is received on it. */
interface Receiving {
  readonly stream: Http2Stream
  readonly request: Http2Request
  /** Of the body that has yet to come; undefined if it is not known. */
  expected: Bytes | undefined
  /** Bytes that have arrived, and of which the client was allowed to send more. */
  arrived: Bytes
  credited: Bytes
  /** Of those, what its window was not opened by yet. */
  unopened: Bytes
  paused: boolean
}

export class Http2Connection implements FrameReceiver, StreamConnection {
  readonly #socket: Socket
  readonly #events: Http2ConnectionEvents
  readonly #reader = new FrameReader(this)
  readonly #blocks = new HeaderBlocks()
  readonly #decoder = new HpackDecoder()
  readonly #outbox: Outbox
  readonly #peer = new PeerSettings('client')
  readonly #maxHeaderListSize: Bytes
  readonly #streams = new OpenStreams<Receiving>()
  /** Streams that have bytes to send, and a window. */
  readonly #sending: Http2Stream[] = []
  /** Of the preface. */
  #expected = preface
  #settled = false
  /** The last request that was accepted, and the last that has come: from GOAWAY on they differ. */
  #lastStream = 0
  #lastSeen = 0
  #window = initialWindow
  /** Bytes that the client may send, and of which its window was not opened by yet. */
  #room: Bytes = connectionWindow
  #unopened: Bytes = 0
  #tableSignalled = false
  #rejected = 0
  #invalid = 0
  readonly #resets = new Budget(http2.streamResets)
  readonly #answered = new Budget(http2.answeredFrames)
  #closing = false
  /** Our side is ended; what comes is not read any more. */
  #ended = false
  #closed = false
  #timer: NodeJS.Timeout | undefined
  #lingering: NodeJS.Timeout | undefined

  constructor(socket: Socket, events: Http2ConnectionEvents) {
    this.#socket = socket
    this.#events = events
    this.#maxHeaderListSize = 2 * events.limits().requestHeaders + 128 * fieldOverhead
    this.#outbox = new Outbox(socket, { onWrite: () => {}, onRoom: () => this.#onRoom() })
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
    socket.on('error', () => {})
    socket.on('end', () => this.#end())
    socket.on('close', () => {
      clearTimeout(this.#lingering)
      this.#end()
    })
    this.#outbox.add(
      settingsFrame([
        [settingIds.maxConcurrentStreams, http2.maxConcurrentStreams],
        [settingIds.maxHeaderListSize, this.#maxHeaderListSize],
      ]) + windowFrame(0, connectionWindow - initialWindow),
    )
    // Until its settings come.
    this.#endIfIdle(events.limits().headerTimeout)
  }

  get maxHeaderListSize(): Bytes {
    return this.#peer.maxHeaderListSize
  }

  get behind(): boolean {
    return this.#outbox.full
  }

  /** The connection below; its bytes are those of all streams. */
  get socket(): Socket {
    return this.#socket
  }

  /** Takes no more requests, and is closed after those that are in flight. */
  close(): void {
    if (this.#closing || this.#closed) return
    this.#closing = true
    this.#outbox.add(goAwayFrame(this.#lastStream, errorCodes.NO_ERROR))
    if (this.#streams.size === 0) this.#linger()
  }

  /**
   * Ends everything before it returns. Without an error of the client, only the streams are reset with one: Node's client
   * never emits `close` if a reset of the connection follows a GOAWAY with an error, and others drop answers that they
   * have not read yet.
   */
  destroy(error: ErrorName = 'NO_ERROR'): void {
    if (this.#closed) return
    if (!this.#ended) {
      if (error === 'NO_ERROR')
        for (const { stream } of this.#streams.all()) this.#outbox.add(resetFrame(stream.id, errorCodes.INTERNAL_ERROR))
      this.#outbox.add(goAwayFrame(this.#lastStream, errorCodes[error]))
      this.#outbox.flush()
    }
    this.#end()
    this.#socket.destroySoon()
    this.#lingering ??= setTimeout(() => this.#socket.destroy(), closeTimeout).unref()
  }

  sendHeaders(stream: Http2Stream, block: string, last: boolean): void {
    this.#outbox.add(headersFrames(stream.id, this.#tableSignalled ? block : noDynamicTable + block, last))
    this.#tableSignalled = true
  }

  sendData(stream: Http2Stream, payload: Buffer, last: boolean, sent?: () => void, rest?: boolean): void {
    this.#window -= payload.length
    stream.window -= payload.length
    const set = last ? flags.endStream : 0
    this.#outbox.addData(frameHead(frameTypes.data, set, stream.id, payload.length), payload, sent, rest)
  }

  send(stream: Http2Stream): void {
    if (stream.queued || stream.window <= 0) return
    stream.queued = true
    this.#sending.push(stream)
    this.#sendQueued()
  }

  whenTaken(taken: (all: boolean) => void): void {
    this.#outbox.whenTaken(taken)
  }

  /** Resolves when the kernel has taken all that was sent. */
  emptied(): Promise<void> {
    return new Promise((resolve) => this.#outbox.whenEmpty(resolve))
  }

  over(stream: Http2Stream, code?: number): void {
    const receiving = this.#streams.get(stream.id)
    if (!receiving) return
    this.#streams.delete(stream.id)
    if (code !== undefined) this.#outbox.add(resetFrame(stream.id, code))
    if (stream.queued) {
      stream.queued = false
      const at = this.#sending.indexOf(stream)
      if (at !== -1) this.#sending.splice(at, 1)
    }
    if (!receiving.request.complete) receiving.request.abort()
    this.#open(receiving.arrived - receiving.credited)
    receiving.credited = receiving.arrived
    if (this.#streams.size > 0 || this.#closed) return
    if (this.#closing) this.#linger()
    else this.#endIfIdle(this.#events.limits().idleTimeout)
  }

  #take(bytes: Buffer): void {
    if (this.#closed || this.#ended) return
    try {
      const rest = this.#expected === '' ? bytes : this.#takePreface(bytes)
      if (rest.length > 0) this.#reader.take(rest)
    } catch (error) {
      // Whatever threw: bad frames may end their connection, never the thread.
      this.destroy(error instanceof ConnectionError ? error.error : 'INTERNAL_ERROR')
    }
    // A client that does not read could open streams without end by requests that are answered without a body.
    if (this.#outbox.waiting > maxUntaken && !this.#closed && !this.#ended) this.#socket.pause()
  }

  #onRoom(): void {
    if (this.#socket.isPaused()) this.#socket.resume()
    this.#sendQueued()
  }

  #takePreface(bytes: Buffer): Buffer {
    const length = Math.min(bytes.length, this.#expected.length)
    if (bytes.toString('latin1', 0, length) !== this.#expected.slice(0, length))
      throw new ConnectionError('PROTOCOL_ERROR', 'no preface')
    this.#expected = this.#expected.slice(length)
    return bytes.subarray(length)
  }

  onData(id: number, part: Buffer, last: boolean): void {
    this.#expectFrame(frameTypes.data, id)
    this.#receive(id, part, part.length, last)
  }

  onFrame(type: number, set: number, id: number, payload: Buffer): void {
    if (this.#closed) return
    this.#expectFrame(type, id)
    switch (type) {
      case frameTypes.data:
        this.#receive(id, withoutPadding(set, payload), payload.length, (set & flags.endStream) !== 0)
        break
      case frameTypes.headers:
        if (id % 2 === 0) throw new ConnectionError('PROTOCOL_ERROR', 'a request on a stream of the server')
        this.#onBlock(this.#blocks.begin(set, id, payload, this.#maxHeaderListSize))
        break
      case frameTypes.continuation:
        this.#onBlock(this.#blocks.continue(set, payload, this.#maxHeaderListSize))
        break
      case frameTypes.priority:
        expectLength(payload, 5)
        if (id === 0) throw new ConnectionError('PROTOCOL_ERROR', 'PRIORITY of the connection')
        break
      case frameTypes.resetStream:
        expectLength(payload, 4)
        this.#onReset(id, payload.readUInt32BE(0))
        break
      case frameTypes.settings:
        this.#onSettings(set, id, payload)
        break
      case frameTypes.pushPromise:
        throw new ConnectionError('PROTOCOL_ERROR', 'a stream that is pushed by a client')
      case frameTypes.ping:
        expectLength(payload, 8)
        expectConnection(id)
        if ((set & flags.acknowledgement) === 0) this.#answer(pingFrame(payload.toString('latin1'), true))
        break
      case frameTypes.goAway:
        expectConnection(id)
        if (payload.length < 8) throw new ConnectionError('FRAME_SIZE_ERROR', 'an incomplete GOAWAY')
        // It opens no more streams; the responses that are in flight are still sent.
        if (payload.readUInt32BE(4) === errorCodes.NO_ERROR) this.close()
        else this.destroy('NO_ERROR')
        break
      case frameTypes.windowUpdate:
        expectLength(payload, 4)
        this.#onWindow(id, uint31(payload, 0))
        break
      // What is unknown (RFC 9113 §5.5).
    }
  }

  #expectFrame(type: number, id: number): void {
    if (!this.#settled && type !== frameTypes.settings)
      throw new ConnectionError('PROTOCOL_ERROR', 'a frame before SETTINGS')
    this.#blocks.expect(type, id)
  }

  /** Undefined if it is over; late frames are ignored. */
  #find(id: number): Receiving | undefined {
    if (id === 0 || id % 2 === 0 || id > this.#lastSeen)
      throw new ConnectionError('PROTOCOL_ERROR', `a frame on stream ${id}, which has not begun`)
    return this.#streams.get(id)
  }

  #receive(id: number, part: Buffer, length: Bytes, last: boolean): void {
    this.#room -= length
    if (this.#room < 0) throw new ConnectionError('FLOW_CONTROL_ERROR', 'more than the window')
    const receiving = this.#find(id)
    if (!receiving || receiving.stream.requestEnded) {
      this.#open(length)
      if (receiving) this.#resetInvalid(receiving.stream, 'STREAM_CLOSED')
      return
    }
    const { stream, request } = receiving
    receiving.arrived += length
    if (receiving.arrived - receiving.credited + receiving.unopened > initialWindow) {
      this.#resetInvalid(stream, 'FLOW_CONTROL_ERROR')
      return
    }
    if (receiving.expected !== undefined) {
      receiving.expected -= part.length
      if (receiving.expected < 0 || (last && receiving.expected > 0)) {
        this.#resetInvalid(stream, 'PROTOCOL_ERROR')
        return
      }
    }
    if (part.length > 0) request.push(part)
    if (last) {
      request.end([])
      stream.endRequest()
    }
    this.#credit(receiving)
  }

  /** Lets the client send as much as was read of the body. */
  #credit(receiving: Receiving): void {
    const read = receiving.arrived - receiving.request.readableLength - receiving.credited
    if (read > 0) {
      receiving.credited += read
      receiving.unopened += read
      this.#open(read)
    }
    const { stream, paused } = receiving
    if (paused || stream.closed || stream.requestEnded || receiving.unopened < initialWindow / 2) return
    this.#outbox.add(windowFrame(stream.id, receiving.unopened))
    receiving.unopened = 0
  }

  /** The window of the connection. */
  #open(length: Bytes): void {
    this.#unopened += length
    if (this.#unopened < connectionWindow / 2 || this.#closed) return
    this.#outbox.add(windowFrame(0, this.#unopened))
    this.#room += this.#unopened
    this.#unopened = 0
  }

  #onBlock(complete: HeaderBlock | undefined): void {
    if (!complete) return
    const { fields, tooLong } = this.#decoder.decode(complete.block, this.#maxHeaderListSize)
    const { stream: id, endStream } = complete
    if (id <= this.#lastSeen) {
      this.#onTrailers(id, fields, endStream, tooLong)
      return
    }
    this.#lastSeen = id
    // The client may not have read the GOAWAY yet; the number in it says that this one may be sent again.
    if (this.#closing) return
    this.#lastStream = id
    const stream = new Http2Stream(id, this, endStream, this.#peer.initialWindowSize)
    if (this.#streams.size >= http2.maxConcurrentStreams) {
      this.#reject(id)
      return
    }
    if (tooLong || fields.length > 2 * http2.maxFields) {
      this.#countInvalid()
      this.#outbox.add(resetFrame(id, errorCodes.ENHANCE_YOUR_CALM))
      return
    }
    const head = readRequestHead(fields)
    if (!head || (endStream && head.length !== undefined && head.length > 0)) {
      this.#countInvalid()
      this.#outbox.add(resetFrame(id, errorCodes.PROTOCOL_ERROR))
      return
    }
    const source = {
      socket: this.#socket,
      pause: () => {
        receiving.paused = true
      },
      resume: () => {
        receiving.paused = false
        this.#credit(receiving)
      },
    }
    const request = new Http2Request(head, source, stream)
    const receiving: Receiving = {
      stream,
      request,
      expected: head.length,
      arrived: 0,
      credited: 0,
      unopened: 0,
      paused: false,
    }
    this.#streams.add(receiving)
    clearTimeout(this.#timer)
    if (endStream) request.end([])
    this.#events.request(request, new Http2Response(stream, head.method))
  }

  #onTrailers(id: number, fields: readonly string[], last: boolean, tooLong: boolean): void {
    const receiving = this.#streams.get(id)
    if (!receiving) return
    const { stream, request, expected } = receiving
    if (stream.requestEnded) {
      this.#resetInvalid(stream, 'STREAM_CLOSED')
      return
    }
    const trailers = last && !tooLong && !expected ? readRequestTrailers(fields) : undefined
    if (!trailers) {
      this.#resetInvalid(stream, 'PROTOCOL_ERROR')
      return
    }
    request.end(trailers)
    stream.endRequest()
  }

  /** The client has us reset it, which costs as much as its own resets (MadeYouReset, CVE-2025-8671). */
  #resetInvalid(stream: Http2Stream, error: ErrorName): void {
    this.#countInvalid()
    stream.close(errorCodes[error])
  }

  #countInvalid(): void {
    this.#invalid += 1
    if (this.#invalid > http2.maxInvalidRequests)
      throw new ConnectionError('ENHANCE_YOUR_CALM', 'too many malformed requests')
  }

  #reject(id: number): void {
    this.#rejected += 1
    if (this.#rejected > http2.maxRejectedStreams) throw new ConnectionError('ENHANCE_YOUR_CALM', 'too many streams')
    this.#answer(resetFrame(id, errorCodes.REFUSED_STREAM))
  }

  #onReset(id: number, code: number): void {
    const receiving = this.#find(id)
    if (!this.#resets.use()) throw new ConnectionError('ENHANCE_YOUR_CALM', 'too many resets')
    receiving?.stream.cut(code)
  }

  #onSettings(set: number, id: number, payload: Buffer): void {
    expectConnection(id)
    if ((set & flags.acknowledgement) !== 0) {
      expectLength(payload, 0)
      return
    }
    const before = this.#peer.initialWindowSize
    this.#peer.apply(payload)
    if (this.#peer.limitsTable) this.#tableSignalled = false
    this.#peer.limitsTable = false
    this.#answer(settingsAcknowledgement)
    if (!this.#settled) {
      this.#settled = true
      this.#endIfIdle(this.#events.limits().idleTimeout)
    }
    this.#changeWindows(this.#peer.initialWindowSize - before)
  }

  /** RFC 9113 §6.9.2. */
  #changeWindows(by: number): void {
    if (by === 0) return
    for (const { stream } of this.#streams.all()) {
      stream.window += by
      if (stream.window > maxWindow) throw new ConnectionError('FLOW_CONTROL_ERROR', 'a window that is too large')
      if (stream.unsent) this.send(stream)
    }
  }

  #onWindow(id: number, increment: Bytes): void {
    if (id === 0) {
      if (increment === 0) throw new ConnectionError('PROTOCOL_ERROR', 'a window that opens by 0')
      this.#window += increment
      if (this.#window > maxWindow) throw new ConnectionError('FLOW_CONTROL_ERROR', 'a window that is too large')
      this.#sendQueued()
      return
    }
    const stream = this.#find(id)?.stream
    if (!stream) return
    if (increment === 0 || stream.window + increment > maxWindow) {
      this.#resetInvalid(stream, increment === 0 ? 'PROTOCOL_ERROR' : 'FLOW_CONTROL_ERROR')
      return
    }
    stream.window += increment
    if (stream.unsent) this.send(stream)
  }

  /** A frame of each stream in turn, until the windows are used up or the client reads too slowly. */
  #sendQueued(): void {
    while (this.#sending.length > 0 && this.#window > 0 && !this.#outbox.full) {
      const stream = this.#sending.shift() as Http2Stream
      // The client may have closed its window meanwhile, by its settings.
      if (stream.window > 0) stream.sendFrame(Math.min(this.#window, stream.window, maxFrameSize))
      // One without a window comes back when it has one.
      if (stream.unsent && stream.window > 0) this.#sending.push(stream)
      else stream.queued = false
    }
  }

  /** What a frame of the client calls for. */
  #answer(frame: string): void {
    if (!this.#answered.use()) throw new ConnectionError('ENHANCE_YOUR_CALM', 'too many frames that ask for an answer')
    this.#outbox.add(frame)
  }

  /** An incomplete head opens no stream, so a client that stops in the middle of one is closed, too. */
  #endIfIdle(timeout: Milliseconds): void {
    clearTimeout(this.#timer)
    if (timeout > 0) this.#timer = setTimeout(() => this.destroy('NO_ERROR'), timeout).unref()
  }

  /** Our side is ended once the client has taken all of it; it may take long to end its own. */
  #linger(): void {
    if (this.#socket.destroyed || this.#ended) return
    this.#endIfIdle(this.#events.limits().idleTimeout)
    this.#outbox.flush()
    this.#ended = true
    this.#socket.end()
    // To see the end of the other side.
    this.#socket.resume()
    this.#outbox.whenEmpty(() => {
      if (this.#socket.destroyed) return
      this.#lingering ??= setTimeout(() => this.#socket.destroy(), closeTimeout).unref()
    })
  }

  #end(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    for (const { stream } of this.#streams.all()) stream.cut(errorCodes.CANCEL)
    this.#events.closed(this)
  }
}
