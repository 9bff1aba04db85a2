/**
 * Random frames against a connection whose requests are answered in random ways. Whatever comes: nothing throws, memory
 * is bounded, each request ends once, what is sent keeps the rules, and the connection ends or goes on.
 */
import { frameTypes, preface, settings } from '../../../../faults/gateway/h2-wire.ts'
import { randomFrom } from '../../http1/fuzz/mutations.ts'
import { type Begun, Opened, settingsAcknowledged, settled } from '../opened.ts'
import { below, FuzzClient, pick, type Random } from './client.ts'

export interface Findings {
  /** What was wrong, with the seed; empty. */
  readonly faults: string[]
  requests: number
  /** Responses that were sent as a whole. */
  finished: number
  /** Connections that were usable to the last. */
  usable: number
}

/** No byte of a body: ids of streams are odd. */
const reused = 0

type Kind = 'valid' | 'wild' | 'mutated'

export async function sendSequences(count: number, seed: number): Promise<Findings> {
  const findings: Findings = { faults: [], requests: 0, finished: 0, usable: 0 }
  for (let i = 0; i < count && findings.faults.length < 10; i++) await new Sequence(seed + i, findings).run()
  return findings
}

/** Pieces of a response that were written, and given back. */
interface Written {
  pieces: number
  given: number
}

class Sequence {
  readonly #seed: number
  readonly #findings: Findings
  readonly #random: Random
  readonly #initialWindow: number
  readonly #client: FuzzClient
  readonly #kind: Kind
  readonly #written = new Map<Begun, Written>()
  readonly #opened: Opened
  /** Something was done to the connection that ends it. */
  #ended = false

  constructor(seed: number, findings: Findings) {
    this.#seed = seed
    this.#findings = findings
    this.#random = randomFrom(seed)
    this.#initialWindow = this.#random() < 0.4 ? below(this.#random, 2_000) : 65_535
    this.#client = new FuzzClient(this.#random, this.#initialWindow)
    this.#kind = pick(this.#random, ['valid', 'valid', 'wild', 'mutated'])
    this.#opened = new Opened({ settings: null, begins: (begun) => this.#begin(begun) })
  }

  async run(): Promise<void> {
    const opened = this.#opened
    this.#send(Buffer.concat([preface, settings({ 4: this.#initialWindow }), settingsAcknowledged]))
    for (let step = 0, steps = 1 + below(this.#random, 25); step < steps; step++) {
      this.#send(this.#next())
      if (this.#random() < 0.3) await new Promise(setImmediate)
      for (const begun of opened.begun) if (this.#random() < 0.3) this.#act(begun)
      if (this.#random() < 0.1) opened.wire.full = true
      else if (this.#random() < 0.3) opened.wire.drain()
      if (this.#random() < 0.01) this.#end()
      this.#expectBounds()
    }
    opened.wire.drain()
    await settled()
    await this.#expectUsable()
    this.#expectRules()
    const { wire, connection } = opened
    pick(this.#random, [() => connection.destroy(), () => wire.finish(), () => wire.destroy()])()
    await settled()
    wire.destroy()
    await settled()
    this.#expectEnds()
    this.#findings.requests += opened.begun.length
    this.#findings.finished += opened.begun.filter(({ events }) => events.includes('finish')).length
  }

  #next(): Buffer {
    if (this.#kind === 'valid' || this.#random() < 0.7) return this.#client.valid()
    return this.#kind === 'wild' ? this.#client.wild() : this.#client.mutated()
  }

  /** In one piece or two. */
  #send(bytes: Buffer): void {
    const at = this.#random() < 0.3 ? below(this.#random, bytes.length) : 0
    for (const piece of [bytes.subarray(0, at), bytes.subarray(at)]) if (piece.length > 0) this.#opened.send(piece)
  }

  #end(): void {
    this.#ended = true
    const { connection, wire } = this.#opened
    pick(this.#random, [
      () => connection.close(),
      () => connection.close(),
      () => connection.destroy(),
      () => wire.finish(),
    ])()
  }

  #begin(begun: Begun): void {
    this.#written.set(begun, { pieces: 0, given: 0 })
    if (this.#random() < 0.7) {
      begun.request.on('data', (piece: Buffer) => {
        begun.body += piece.toString('latin1')
      })
    }
    if (this.#random() < 0.5) this.#act(begun)
  }

  /** Whatever a handler may do next. */
  #act(begun: Begun): void {
    const { request, response } = begun
    const kind = this.#random()
    if (kind < 0.1) request.pause()
    else if (kind < 0.2) request.resume()
    else if (kind < 0.23) request.discard()
    else if (kind < 0.26) response.stream.close(pick(this.#random, [0, 2, 8]))
    else if (kind < 0.3) response.writeContinue()
    else if (!response.headersSent) {
      response.writeHead(
        pick(this.#random, [200, 200, 204, 404]),
        ['x-a', 'b'.repeat(below(this.#random, 400))],
        kind > 0.9,
      )
    } else if (kind < 0.6) {
      const written = this.#written.get(begun) as Written
      written.pieces += 1
      const piece = Buffer.alloc(below(this.#random, pick(this.#random, [2, 100, 20_000, 40_000])), begun.id)
      response.write(piece, () => {
        written.given += 1
        // As one that is used again.
        piece.fill(reused)
      })
    } else {
      if (kind < 0.7 && !response.writableEnded) response.addTrailers({ 'x-t': 'u' })
      response.end(kind < 0.8 ? Buffer.alloc(below(this.#random, 9_000), begun.id) : undefined)
    }
  }

  #fault(what: string): void {
    this.#findings.faults.push(`seed ${this.#seed} (${this.#kind}): ${what}; ${this.#opened.seen.slice(-5).join(', ')}`)
  }

  #expectBounds(): void {
    const { begun, wire } = this.#opened
    const held = begun.filter(({ response }) => !response.stream.closed)
    const bodies = held.reduce((sum, { request }) => sum + request.readableLength, 0)
    if (bodies > 262_144) this.#fault(`${bodies} bytes of bodies are held`)
    if (held.length > 128) this.#fault(`${held.length} streams are open`)
    if (wire.writableLength > 600_000) this.#fault(`${wire.writableLength} bytes are with the socket`)
  }

  /** A valid client is answered, and its requests are what it has sent. */
  async #expectUsable(): Promise<void> {
    const opened = this.#opened
    if (opened.seen.some((line) => /^goaway .* INTERNAL_ERROR/.test(line))) this.#fault('it has thrown')
    if (this.#kind !== 'valid') return
    if (opened.seen.some((line) => line.startsWith('goaway') && !line.endsWith(' NO_ERROR')))
      this.#fault('it was ended')
    for (const { id, request, body } of opened.begun) {
      const sent = this.#client.sent.get(id)
      if (!sent) {
        this.#fault(`nobody has sent request ${id}`)
        continue
      }
      const fields = sent.fields.flat()
      if (request.rawHeaders.join('\n') !== fields.join('\n')) this.#fault(`request ${id} has other fields`)
      if (!sent.body.startsWith(body)) this.#fault(`request ${id} has another body`)
      if (request.complete && request.rawTrailers.join() !== sent.trailers.join())
        this.#fault(`request ${id} has other trailers`)
    }
    if (this.#ended) return
    const lost = this.#client.sent.size - opened.begun.length
    if (lost !== 0) this.#fault(`${lost} requests are missing`)
    if (!(await opened.answers())) this.#fault('it does not answer')
    else this.#findings.usable += 1
  }

  /** What was sent: heads, bodies and trailers in their order, within the windows, and nothing behind the end. */
  #expectRules(): void {
    const states = new Map<number, 'begun' | 'head' | 'over' | 'reset'>()
    const sizes = new Map<number, number>()
    for (const { type, stream, flags, payload } of this.#opened.frames) {
      if (stream === 0) continue
      const state = states.get(stream)
      const line = `frame ${type} on stream ${stream}, which is ${state ?? 'idle'}`
      if (state === 'reset') this.#fault(line)
      const ends = (flags & 1) !== 0
      if (type === frameTypes.resetStream) states.set(stream, 'reset')
      else if (type === frameTypes.headers) {
        if (state === 'over' || (state === 'head' && !ends)) this.#fault(line)
        const isHead = state === 'head' || !isInterim(payload)
        states.set(stream, ends ? 'over' : isHead ? 'head' : 'begun')
      } else if (type === frameTypes.data) {
        if (state !== 'head') this.#fault(line)
        if (ends) states.set(stream, 'over')
        if (!payload.equals(Buffer.alloc(payload.length, stream))) this.#fault(`stream ${stream} has bytes of others`)
        sizes.set(stream, (sizes.get(stream) ?? 0) + payload.length)
      }
    }
    if (this.#kind !== 'valid') return
    const sum = [...sizes.values()].reduce((all, size) => all + size, 0)
    if (sum > this.#client.window) this.#fault(`${sum} bytes were sent, beyond the window`)
    for (const [id, size] of sizes) {
      const most = this.#client.sent.get(id)?.most ?? 0
      if (size > most) this.#fault(`${size} bytes were sent on stream ${id}, beyond its window`)
    }
  }

  #expectEnds(): void {
    const { begun, closed } = this.#opened
    if (closed !== 1) this.#fault(`its end was reported ${closed} times`)
    for (const one of begun) {
      const { events, id, request, response } = one
      const times = (name: string) => events.filter((event) => event === name).length
      if (times('close') !== 1) this.#fault(`stream ${id} has closed ${times('close')} times`)
      if (times('finish') > 1) this.#fault(`stream ${id} has finished ${times('finish')} times`)
      if (times('finish') > 0 && events.indexOf('finish') > events.indexOf('close'))
        this.#fault(`stream ${id} has finished late`)
      if (times('finish') === 0 && !response.stream.aborted)
        this.#fault(`response ${id} is neither finished nor aborted`)
      if (times('finish') > 0 && response.stream.aborted) this.#fault(`response ${id} is both finished and aborted`)
      const ends = times('end') + times('aborted')
      if (ends > 1 || (!request.complete && times('aborted') !== 1))
        this.#fault(`request ${id} has ended ${ends} times`)
      const { pieces, given } = this.#written.get(one) as Written
      if (given > pieces) this.#fault(`a piece of ${id} was given back twice`)
      if (times('finish') > 0 && given !== pieces) this.#fault(`${pieces - given} pieces of ${id} were not given back`)
      if (response.writableLength !== 0) this.#fault(`response ${id} holds ${response.writableLength} bytes`)
    }
  }
}

/** `:status` is 100, which is not in the static table. */
function isInterim(payload: Buffer): boolean {
  return payload.length < 10 && payload.includes('100', 0, 'latin1')
}
