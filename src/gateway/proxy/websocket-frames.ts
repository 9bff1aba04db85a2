/** Finds the boundaries of WebSocket frames (RFC 6455 §5.2). Payloads are never read. */

const opcodeClose = 0x8
/** Continuation, text, binary; close, ping, pong. The others are reserved. */
const opcodes: ReadonlySet<number> = new Set([0x0, 0x1, 0x2, opcodeClose, 0x9, 0xa])

/** A Close frame with 1001, going away (§7.4.1). */
export const goingAway: Buffer = Buffer.from([0x88, 0x02, 0x03, 0xe9])

/** Follows all bytes that a server sends, to know whether a frame of the gateway may be inserted after them. */
export class ServerFrames {
  #header: number[] = []
  #payloadLeft = 0
  /** The server's Close has begun: no frame may follow (§5.5.1). */
  #closed = false
  #certain = true

  take(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length && this.#certain) {
      if (this.#payloadLeft > 0) {
        const part = Math.min(this.#payloadLeft, chunk.length - at)
        this.#payloadLeft -= part
        at += part
      } else {
        this.#header.push(chunk[at] as number)
        at += 1
        this.#readHeader()
      }
    }
  }

  /** Whether the stream is known to be between two frames. */
  get mayInterpose(): boolean {
    return this.#certain && !this.#closed && this.#payloadLeft === 0 && this.#header.length === 0
  }

  /** Once the header is complete, the payload follows. */
  #readHeader(): void {
    const [first = 0, second] = this.#header
    // §5.1: a server never masks; if it seems to, this is not WebSocket.
    if (!opcodes.has(first & 0x0f) || (second !== undefined && second >= 0x80)) {
      this.#certain = false
      return
    }
    if (second === undefined) return
    const extended = second === 126 ? 2 : second === 127 ? 8 : 0
    if (this.#header.length < 2 + extended) return
    const length = this.#header.slice(2).reduce((sum, byte) => sum * 256 + byte, 0)
    // §5.2: the first bit of eight bytes must be 0; numbers beyond 2^53 are not exact.
    if (length > Number.MAX_SAFE_INTEGER) this.#certain = false
    this.#payloadLeft = extended === 0 ? second : length
    this.#header = []
    this.#closed ||= (first & 0x0f) === opcodeClose
  }
}
