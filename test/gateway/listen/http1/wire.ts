/** A connection whose client is the test: bytes arrive when it says so, and what is written is kept. */
import { Socket } from 'node:net'

type ReadBytes = (length: number) => boolean

export class Wire extends Socket {
  /** Each write as the kernel would get it. */
  readonly writes: string[] = []
  /** While set, writes are not taken. */
  full = false
  #taken: (() => void)[] = []

  constructor() {
    super({ allowHalfOpen: true })
    // As of a socket of the kernel, which is closed some time after it is destroyed.
    Object.assign(this, {
      _handle: {
        useUserBuffer: () => {},
        readStart: () => 0,
        readStop: () => 0,
        close: (done: () => void) => setImmediate(done),
      },
    })
  }

  get written(): string {
    return this.writes.join('')
  }

  /** Bytes arrive, as into the buffer of the thread, which is overwritten afterwards. */
  receive(bytes: Buffer | string): void {
    const buffer = internal<Buffer>(this, 'kBuffer')
    const read = internal<ReadBytes>(this, 'kBufferCb')
    const length = buffer.write(typeof bytes === 'string' ? bytes : bytes.toString('latin1'), 'latin1')
    read(length)
    buffer.fill('#', 0, length)
  }

  /** The client ends its side. */
  finish(): void {
    this.push(null)
    this.read(0)
  }

  /** The kernel takes what was written while it was full. */
  drain(): void {
    this.full = false
    for (const taken of this.#taken.splice(0)) taken()
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, taken: (error?: Error) => void): void {
    this.writes.push(
      typeof chunk === 'string' ? Buffer.from(chunk, encoding).toString('latin1') : chunk.toString('latin1'),
    )
    if (this.full) this.#taken.push(taken)
    else taken()
  }

  override _writev(chunks: { chunk: Buffer | string; encoding: BufferEncoding }[], taken: () => void): void {
    const texts = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding).toString('latin1') : chunk.toString('latin1'),
    )
    this.writes.push(texts.join(''))
    if (this.full) this.#taken.push(taken)
    else taken()
  }

  override _final(ended: () => void): void {
    ended()
  }

  override _read(): void {}
}

function internal<T>(socket: Socket, name: string): T {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === name)
  return (socket as unknown as Record<symbol, T>)[symbol as symbol] as T
}
