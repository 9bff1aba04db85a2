/** Flow control: a slow side slows the other one down, and only its own streams; the gateway holds little of a body. */
import { afterEach, describe, expect, it } from 'vitest'
import { flags, frame, frameTypes, headers, uint32 } from '../../../faults/gateway/h2-wire.ts'
import { ask, h2Session } from '../../clients.ts'
import { cleanUp, host, proxyTo, startGateway } from '../../support.ts'
import { good, ok } from './frames.ts'
import { type WireConnection, wireUpstream } from './wire-upstream.ts'

afterEach(cleanUp)

const size = 4 * 1024 * 1024
/** The windows of both sides, a read of each, and what is kept of a request: far below the size of a body. */
const bound = 512 * 1024
const maxFrame = 16_384
const initialWindow = 65_535

/** Sends a body as fast as the windows of the stream and the connection allow. */
class Sender {
  sent = 0
  readonly #connection: WireConnection
  readonly #stream: number
  #streamWindow = initialWindow
  /** The gateway may have enlarged it before this stream. */
  #window: number

  constructor(connection: WireConnection, stream: number) {
    this.#connection = connection
    this.#stream = stream
    this.#window = connection.frames.reduce(
      (sum, one) => (one.type === frameTypes.windowUpdate && one.stream === 0 ? sum + one.payload.readUInt32BE() : sum),
      initialWindow,
    )
    this.#send()
    connection.follow((one) => {
      if (one.type !== frameTypes.windowUpdate) return
      if (one.stream === 0) this.#window += one.payload.readUInt32BE()
      else if (one.stream === stream) this.#streamWindow += one.payload.readUInt32BE()
      this.#send()
    })
  }

  #send(): void {
    for (;;) {
      const length = Math.min(this.#streamWindow, this.#window, maxFrame, size - this.sent)
      if (length <= 0) return
      this.sent += length
      this.#streamWindow -= length
      this.#window -= length
      const last = this.sent === size ? flags.endStream : 0
      this.#connection.write(frame('data', { stream: this.#stream, flags: last, payload: Buffer.alloc(length) }))
    }
  }
}

/** Calls `step` until `value` has not changed over several of them: nothing moves any more. */
async function settled(value: () => number, step: () => Promise<unknown>): Promise<number> {
  for (let same = 0, before = -1; ; ) {
    await step()
    same = value() === before ? same + 1 : 0
    before = value()
    if (same === 5) return before
  }
}

describe('a client that reads nothing', () => {
  it('stops the upstream of its stream, and no other stream of the same connection', async () => {
    let sender: Sender | undefined
    const upstream = await wireUpstream((connection, stream, request) => {
      if (request > 1) {
        good(connection, stream, request)
        return
      }
      connection.write(headers(stream, [ok], false))
      sender = new Sender(connection, stream)
    })
    const gateway = await startGateway({ routes: [proxyTo(0, { origin: upstream.origin })] })
    const stream = h2Session(gateway).request({ ':path': '/', ':authority': host })
    await new Promise((resolve) => stream.once('response', resolve))
    const sent = await settled(
      () => sender?.sent ?? 0,
      async () => expect(await ask(gateway, 'h2')).toMatchObject({ status: 200 }),
    )
    expect(sent).toBeGreaterThan(0)
    expect(sent).toBeLessThan(bound)
    expect(upstream.connections).toHaveLength(1)
    let read = 0
    for await (const chunk of stream) read += (chunk as Buffer).length
    expect(read).toBe(size)
    expect(await gateway.waitForRecord(({ bytes }) => bytes > 4)).toMatchObject({ status: 200, bytes: size })
  })
})

describe('an upstream that opens no window', () => {
  it('stops the client that uploads, until it opens one', async () => {
    const upstream = await wireUpstream((connection, stream, request) => {
      if (request > 1) good(connection, stream, request)
      // The stream alone is to be stopped.
      else connection.write(frame('windowUpdate', { payload: uint32(2 * size) }))
    })
    const gateway = await startGateway({ routes: [proxyTo(0, { origin: upstream.origin })] })
    const stream = h2Session(gateway).request({ ':method': 'POST', ':path': '/', ':authority': host })
    let written = 0
    const chunk = Buffer.alloc(maxFrame)
    const write = () => {
      if (written === size) stream.end()
      else
        stream.write(chunk, () => {
          written += chunk.length
          write()
        })
    }
    write()
    // Before any other request.
    while (upstream.requests === 0) await new Promise(setImmediate)
    const sent = await settled(
      () => written,
      async () => expect(await ask(gateway, 'h2')).toMatchObject({ status: 200 }),
    )
    expect(sent).toBeGreaterThan(0)
    expect(sent).toBeLessThan(bound)
    const [connection] = upstream.connections as [WireConnection]
    const uploading = connection.frames.find(({ type }) => type === frameTypes.headers)?.stream ?? 0
    const received = () =>
      connection.frames.reduce(
        (sum, one) => sum + (one.type === frameTypes.data && one.stream === uploading ? one.payload.length : 0),
        0,
      )
    expect(received()).toBe(initialWindow)
    connection.write(frame('windowUpdate', { stream: uploading, payload: uint32(size) }))
    await connection.frame((one) => one.stream === uploading && (one.flags & flags.endStream) !== 0)
    expect(received()).toBe(size)
    good(connection, uploading, 1)
    const status = await new Promise((resolve) => stream.once('response', ({ ':status': code }) => resolve(code)))
    expect(status).toBe(200)
  })
})
