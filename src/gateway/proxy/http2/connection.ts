/** One HTTP/2 connection to an upstream, which carries many requests at a time. */
import type { Socket } from 'node:net'
import type { Bytes } from '../../../shared/bytes.ts'
import { messageOf } from '../../../shared/errors.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import { ConnectionError, type ErrorName, errorCodes, errorNameOf } from '../../http2/error-codes.ts'
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
import { Deadline } from '../client/deadline.ts'
import { FairReading } from '../client/fair-reading.ts'
import { AnswerFault, ConnectionClosed } from '../client/faults.ts'
import { StreamTable } from './stream-table.ts'

/** Streams of one connection at a time, even if the upstream allows more: their frames wait for each other. */
const maxStreams = 100
/** Far below 2^31, after which a connection must be replaced (RFC 9113 §5.1.1). */
const maxStreamId = 1_000_000_000
/** Below the times after which load balancers drop a silent connection. */
const idleTimeout: Milliseconds = 60_000
/**
 * A connection that has been silent for longer is sent a PING along with the next request. No more are sent: some gRPC
 * servers close connections with pings between which there was no data.
 */
const maxSilence: Milliseconds = 10_000
/** For all streams together: nothing of it is held, since it is opened again by what is read. Each stream has 64 KB. */
const connectionWindow: Bytes = 1_048_576
/** How long the upstream may take to close a connection without streams. */
const closeTimeout: Milliseconds = 2_000
/** Of frames other than bodies, to an upstream that does not read them. */
const maxUnread: Bytes = 262_144

export interface Http2ConnectionOwner {
  /** A stream is over, or the upstream has changed its settings. */
  hasRoom(connection: Http2Connection): void
  /** It takes no more streams; those that are open may go on. */
  retired(connection: Http2Connection): void
  /** All of it is closed. */
  ended(connection: Http2Connection): void
}

export interface Http2ConnectionOptions {
  readonly owner: Http2ConnectionOwner
  /** How long the upstream may take for a PING. */
  readonly answerToPing: Milliseconds
  /** Limit of the head of an answer: that of each request is exact; this bounds what is held of a longer one. */
  readonly answerHeaders: Bytes
  /**
   * The upstream's settings have come, and its acknowledgement of ours: until then its limit of streams is unknown, and
   * our limit of heads not in force.
   */
  onReady(connection: Http2Connection): void
  /** It was ended before. */
  onFailed(error: Error): void
}

/** What a connection carries. What it is given of an answer is valid during the call only. */
export interface CarriedStream {
  readonly id: number
  /** Of bytes that may be sent. */
  window: Bytes
  /** It waits for its turn to send. */
  queued: boolean
  /** It was given something in this read. */
  touched: boolean
  /** When its answer is overdue, by `performance.now()`. */
  readonly due: Milliseconds
  /** It has bytes, or its end, to send. */
  readonly unsent: boolean
  /** Sends one frame with so many bytes at most. False: there is none that may be sent. */
  sendFrame(allowance: Bytes): boolean
  onHeaders(fields: readonly string[], tooLong: boolean, last: boolean): void
  onData(part: Buffer, last: boolean): void
  /** All that has arrived was given to it. */
  onPause(): void
  /** The upstream has reset it. */
  onReset(code: number): void
  /** The connection has ended; `refused`: before the upstream has processed anything of the stream. */
  onEnded(fault: Error, refused: boolean): void
  onDue(): void
}

export class Http2Connection implements FrameReceiver {
  readonly #socket: Socket
  readonly #options: Http2ConnectionOptions
  readonly #reader = new FrameReader(this)
  readonly #reading: FairReading
  readonly #decoder = new HpackDecoder()
  readonly #maxHeaderListSize: Bytes
  readonly #outbox: Outbox
  readonly #peer = new PeerSettings('server')
  readonly #table = new StreamTable<CarriedStream>()
  /** The last one of which anything has left. */
  #lastSent = -1
  /** Given something in this read. */
  readonly #touched: CarriedStream[] = []
  /** They have more to send, each a frame in its turn. */
  readonly #sending: CarriedStream[] = []
  #streams = 0
  /** Of bytes that may be sent. */
  #window = initialWindow
  /** Bytes that were read since the upstream's window was last opened. */
  #read: Bytes = 0
  readonly #blocks = new HeaderBlocks()
  #settled = false
  #acknowledged = false
  #tableSignalled = false
  #lastHeard = performance.now()
  #pinged: Milliseconds | undefined
  #lastStream = Number.POSITIVE_INFINITY
  #closing = false
  #closed = false
  #retired = false
  #fault: Error | undefined
  #lingering: NodeJS.Timeout | undefined
  #due: NodeJS.Timeout | undefined
  #nextDue = Number.POSITIVE_INFINITY
  readonly #idle = new Deadline(() => this.close())
  readonly #pong = new Deadline(() => this.#passPong())

  /** The socket is connected. The caller reads it and calls `take`; its other events are handled here. */
  constructor(socket: Socket, options: Http2ConnectionOptions) {
    this.#socket = socket
    this.#options = options
    this.#maxHeaderListSize = 2 * options.answerHeaders + 128 * fieldOverhead
    this.#reading = new FairReading(socket)
    this.#outbox = new Outbox(socket, {
      onWrite: () => {
        this.#lastSent = this.#table.last
      },
      onRoom: () => {
        this.#sendQueued()
        if (this.#ready) options.owner.hasRoom(this)
      },
    })
    socket.on('error', (error) => {
      this.#fault ??= error
    })
    socket.on('end', () => this.#end())
    socket.on('close', () => {
      clearTimeout(this.#lingering)
      this.#end()
    })
    this.#outbox.add(
      preface +
        settingsFrame([
          [settingIds.enablePush, 0],
          [settingIds.maxHeaderListSize, this.#maxHeaderListSize],
        ]) +
        windowFrame(0, connectionWindow - initialWindow),
    )
  }

  /** Whether it takes another stream, by its own state, the limit of the upstream, and what that has yet to read. */
  get room(): boolean {
    if (!this.#open || this.#outbox.waiting > maxUnread) return false
    return this.#streams < Math.min(maxStreams, this.#peer.maxConcurrentStreams)
  }

  /** Whether it has carried a request before. */
  get used(): boolean {
    return this.#table.last > 0
  }

  get idle(): boolean {
    return this.#streams === 0
  }

  /** Since when nothing has been in flight, or has arrived; by `performance.now()`. */
  get quietSince(): Milliseconds {
    return this.#streams > 0 ? Number.POSITIVE_INFINITY : this.#lastHeard
  }

  /** Why no stream may begin, not even with room that was reserved; undefined if it may. */
  get refusal(): Error | undefined {
    return this.#closed || this.#lastStream < Number.POSITIVE_INFINITY ? (this.#fault ?? upstreamCloses()) : undefined
  }

  get #ready(): boolean {
    return this.#settled && this.#acknowledged
  }

  get #open(): boolean {
    return this.#ready && !this.#closing && !this.#closed && !this.#socket.destroyed && this.#table.last < maxStreamId
  }

  /** Takes room for a stream; `release` gives it back. */
  reserve(): void {
    this.#streams += 1
    this.#idle.off()
  }

  release(): void {
    this.#streams -= 1
    if (this.#streams === 0) {
      this.#idle.set(idleTimeout)
      if (!this.#open) this.#linger()
    }
    this.#options.owner.hasRoom(this)
  }

  /** Begins a stream for which room was reserved, with this header block. Returns its id. */
  begin(stream: CarriedStream, block: string, last: boolean): number {
    const id = this.#table.add(stream)
    stream.window = this.#peer.initialWindowSize
    this.#outbox.add(headersFrames(id, this.#tableSignalled ? block : noDynamicTable + block, last))
    this.#tableSignalled = true
    if (performance.now() - this.#lastHeard > maxSilence) this.#ping()
    this.#watch(stream)
    return id
  }

  /** The stream has something to send. */
  send(stream: CarriedStream): void {
    if (stream.queued) return
    stream.queued = true
    this.#sending.push(stream)
    this.#sendQueued()
  }

  /** A DATA frame within the allowance. */
  sendData(stream: CarriedStream, payload: Buffer, last: boolean): void {
    this.#window -= payload.length
    stream.window -= payload.length
    const set = last ? flags.endStream : 0
    this.#outbox.addData(frameHead(frameTypes.data, set, stream.id, payload.length), payload)
  }

  sendTrailers(id: number, block: string): void {
    this.#outbox.add(headersFrames(id, block, true))
  }

  /** The upstream may send as much again. */
  openWindow(id: number, length: Bytes): void {
    this.#outbox.add(windowFrame(id, length))
  }

  /** The stream is over; with a code, it is reset. */
  over(stream: CarriedStream, code?: number): void {
    this.#table.remove(stream.id)
    if (code !== undefined) this.#outbox.add(resetFrame(stream.id, code))
    if (!stream.queued) return
    stream.queued = false
    const at = this.#sending.indexOf(stream)
    if (at !== -1) this.#sending.splice(at, 1)
  }

  /** Takes no more streams, and is closed after those that are open. */
  close(): void {
    if (!this.#closing && !this.#closed) {
      this.#closing = true
      this.#outbox.add(goAwayFrame(0, errorCodes.NO_ERROR))
    }
    this.#retire()
  }

  /** Ends all streams, for which `fault` is this error. */
  destroy(fault: Error, code: ErrorName = 'NO_ERROR'): void {
    this.#fault ??= fault
    if (this.#closed) return
    this.#outbox.add(goAwayFrame(0, errorCodes[code]))
    this.#outbox.flush()
    this.#socket.destroySoon()
    this.#lingering ??= setTimeout(() => this.#socket.destroy(), closeTimeout).unref()
    this.#end()
  }

  /** Bytes read from the socket; valid during the call only. */
  take(bytes: Buffer): void {
    if (this.#closed) return
    this.#lastHeard = performance.now()
    let fault: unknown
    try {
      this.#reader.take(bytes)
    } catch (error) {
      fault = error
    }
    for (const stream of this.#touched.splice(0)) {
      stream.touched = false
      stream.onPause()
    }
    if (fault === undefined) this.#reading.count(bytes.length)
    else if (fault instanceof ConnectionError)
      this.destroy(new AnswerFault(`invalid frames: ${messageOf(fault)}`), fault.error)
    // Whatever threw: bad frames may end their connection, never the thread.
    else this.destroy(fault as Error, 'INTERNAL_ERROR')
  }

  onData(id: number, part: Buffer, last: boolean): void {
    this.#expectFrame(frameTypes.data, id)
    this.#count(part.length)
    const stream = this.#streamOf(id)
    if (!stream) return
    this.#touch(stream)
    stream.onData(part, last)
  }

  onFrame(type: number, set: number, id: number, payload: Buffer): void {
    this.#expectFrame(type, id)
    switch (type) {
      case frameTypes.data:
        this.#onPadded(set, id, payload)
        break
      case frameTypes.headers:
        this.#streamOf(id)
        this.#onBlock(this.#blocks.begin(set, id, payload, this.#maxHeaderListSize))
        break
      case frameTypes.continuation:
        this.#onBlock(this.#blocks.continue(set, payload, this.#maxHeaderListSize))
        break
      case frameTypes.resetStream:
        expectLength(payload, 4)
        this.#onReset(id, payload.readUInt32BE(0))
        break
      case frameTypes.settings:
        this.#onSettings(set, id, payload)
        break
      case frameTypes.pushPromise:
        throw new ConnectionError('PROTOCOL_ERROR', 'a pushed stream')
      case frameTypes.ping:
        expectLength(payload, 8)
        expectConnection(id)
        if ((set & flags.acknowledgement) === 0) this.#answer(pingFrame(payload.toString('latin1'), true))
        break
      case frameTypes.goAway:
        this.#onGoAway(id, payload)
        break
      case frameTypes.windowUpdate:
        expectLength(payload, 4)
        this.#onWindow(id, uint31(payload, 0))
        break
      // PRIORITY, and what is unknown (RFC 9113 §5.5).
    }
  }

  /** RFC 9113 §3.4 and §6.10. */
  #expectFrame(type: number, id: number): void {
    if (!this.#settled && type !== frameTypes.settings)
      throw new ConnectionError('PROTOCOL_ERROR', 'a frame before SETTINGS')
    this.#blocks.expect(type, id)
  }

  /** Undefined if it is over; late frames are ignored, since the upstream may not know. */
  #streamOf(id: number): CarriedStream | undefined {
    if (id % 2 === 0 || id > this.#table.last)
      throw new ConnectionError('PROTOCOL_ERROR', `a frame on stream ${id}, which has not begun`)
    return this.#table.get(id)
  }

  #touch(stream: CarriedStream): void {
    if (stream.touched) return
    stream.touched = true
    this.#touched.push(stream)
  }

  /** Opens the window of the connection again. */
  #count(length: Bytes): void {
    this.#read += length
    if (this.#read > connectionWindow) throw new ConnectionError('FLOW_CONTROL_ERROR', 'more than the window')
    if (this.#read < connectionWindow / 2) return
    this.openWindow(0, this.#read)
    this.#read = 0
  }

  #onPadded(set: number, id: number, payload: Buffer): void {
    this.#count(payload.length)
    const part = withoutPadding(set, payload)
    const stream = this.#streamOf(id)
    if (!stream) return
    this.#touch(stream)
    stream.onData(part, (set & flags.endStream) !== 0)
  }

  #onBlock(complete: HeaderBlock | undefined): void {
    if (!complete) return
    // Also of a stream that is over: the table of the decoder changes.
    const { fields, tooLong } = this.#decoder.decode(complete.block, this.#maxHeaderListSize)
    const stream = this.#table.get(complete.stream)
    if (!stream) return
    this.#touch(stream)
    stream.onHeaders(fields, tooLong, complete.endStream)
  }

  #onReset(id: number, code: number): void {
    const stream = this.#streamOf(id)
    stream?.onReset(code)
  }

  #onSettings(set: number, id: number, payload: Buffer): void {
    expectConnection(id)
    if ((set & flags.acknowledgement) !== 0) {
      expectLength(payload, 0)
      this.#becomeReady(() => {
        this.#acknowledged = true
      })
      return
    }
    const before = this.#peer.initialWindowSize
    this.#peer.apply(payload)
    if (this.#peer.limitsTable) this.#tableSignalled = false
    this.#peer.limitsTable = false
    this.#answer(settingsAcknowledgement)
    this.#becomeReady(() => {
      this.#settled = true
    })
    this.#changeWindows(this.#peer.initialWindowSize - before)
    if (this.#ready) this.#options.owner.hasRoom(this)
  }

  #becomeReady(change: () => void): void {
    const before = this.#ready
    change()
    if (before || !this.#ready) return
    this.#idle.set(idleTimeout)
    this.#options.onReady(this)
  }

  /** RFC 9113 §6.9.2. */
  #changeWindows(by: number): void {
    if (by === 0) return
    for (const stream of this.#table.all()) {
      stream.window += by
      if (stream.window > maxWindow) throw new ConnectionError('FLOW_CONTROL_ERROR', 'a window that is too large')
      if (stream.unsent) this.send(stream)
    }
  }

  #onGoAway(id: number, payload: Buffer): void {
    expectConnection(id)
    if (payload.length < 8) throw new ConnectionError('FRAME_SIZE_ERROR', 'an incomplete GOAWAY')
    this.#lastStream = Math.min(this.#lastStream, uint31(payload, 0))
    const code = payload.readUInt32BE(4)
    if (code !== errorCodes.NO_ERROR) {
      this.destroy(new ConnectionClosed(`the upstream closed the connection with ${errorNameOf(code)}`))
      return
    }
    this.close()
    for (const stream of this.#table.all()) if (this.#refuses(stream)) stream.onEnded(upstreamCloses(), true)
  }

  #refuses(stream: CarriedStream): boolean {
    return stream.id > this.#lastStream || stream.id > this.#lastSent
  }

  #onWindow(id: number, increment: Bytes): void {
    if (id === 0) {
      this.#window += increment
      if (increment === 0) throw new ConnectionError('PROTOCOL_ERROR', 'a window that opens by 0')
      if (this.#window > maxWindow) throw new ConnectionError('FLOW_CONTROL_ERROR', 'a window that is too large')
      this.#sendQueued()
      return
    }
    const stream = this.#streamOf(id)
    if (!stream) return
    if (increment === 0 || stream.window + increment > maxWindow) {
      const code = increment === 0 ? errorCodes.PROTOCOL_ERROR : errorCodes.FLOW_CONTROL_ERROR
      this.over(stream, code)
      stream.onReset(code)
      return
    }
    stream.window += increment
    if (stream.unsent) this.send(stream)
  }

  /** A frame of each stream in turn, until the windows are used up or the upstream reads too slowly. */
  #sendQueued(): void {
    let idle = 0
    while (idle < this.#sending.length && !this.#outbox.full) {
      const stream = this.#sending.shift() as CarriedStream
      const sent = stream.sendFrame(Math.max(0, Math.min(this.#window, stream.window, maxFrameSize)))
      idle = sent ? 0 : idle + 1
      // It may be over by now, and on another connection.
      if (this.#table.get(stream.id) !== stream) continue
      // One without a window comes back when it has one.
      if (stream.unsent && stream.window > 0) this.#sending.push(stream)
      else stream.queued = false
    }
  }

  /** What the upstream's frames call for. */
  #answer(frames: string): void {
    if (this.#outbox.waiting > maxUnread)
      throw new ConnectionError('ENHANCE_YOUR_CALM', 'an upstream that does not read the answers to its frames')
    this.#outbox.add(frames)
  }

  #retire(): void {
    if (this.#retired || this.#open) return
    this.#retired = true
    this.#idle.destroy()
    this.#pong.destroy()
    if (this.#streams === 0) this.#linger()
    if (this.#ready) this.#options.owner.retired(this)
  }

  /** Our side is ended; the upstream may take long to end its own. */
  #linger(): void {
    this.#idle.destroy()
    if (this.#socket.destroyed || this.#lingering) return
    this.#outbox.flush()
    this.#socket.end()
    this.#lingering = setTimeout(() => this.#socket.destroy(), closeTimeout).unref()
  }

  #end(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#due)
    this.#fault ??= new ConnectionClosed('the connection was closed before the answer was complete')
    const fault = this.#fault
    const ready = this.#ready
    this.#retire()
    for (const stream of this.#table.all()) stream.onEnded(fault, this.#refuses(stream))
    if (ready) this.#options.owner.ended(this)
    else this.#options.onFailed(fault)
  }

  /** One timer for all streams: they have nearly the same time. */
  #watch({ due }: CarriedStream): void {
    if (due >= this.#nextDue) return
    clearTimeout(this.#due)
    this.#nextDue = due
    this.#due = setTimeout(() => this.#passDue(), Math.max(1, Math.ceil(due - performance.now()))).unref()
  }

  #passDue(): void {
    this.#nextDue = Number.POSITIVE_INFINITY
    const now = performance.now()
    for (const stream of this.#table.all()) {
      if (stream.due <= now) stream.onDue()
      this.#watch(stream)
    }
  }

  #ping(): void {
    if (this.#pinged !== undefined) return
    this.#pinged = performance.now()
    this.#outbox.add(pingFrame('gateway?', false))
    this.#pong.set(this.#options.answerToPing)
  }

  #passPong(): void {
    const silent = this.#lastHeard < (this.#pinged ?? 0)
    this.#pinged = undefined
    const patience = this.#options.answerToPing
    if (silent) this.destroy(new ConnectionClosed(`the connection is dead: no answer to a PING for ${patience} ms`))
  }
}

function upstreamCloses(): Error {
  return new ConnectionClosed('the upstream closed the connection')
}
