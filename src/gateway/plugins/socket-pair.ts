import { Socket } from 'node:net'
import { forNode } from '../../shared/time/timer.ts'

/**
 * One end of a connection inside the process: what one end writes, the other reads, with backpressure. It is a socket,
 * because code that takes over an upgraded connection expects one.
 */
class PairedSocket extends Socket {
  #peer: PairedSocket | undefined
  /** The other end waits until this one is read. */
  #waiting: (() => void) | undefined

  static pair(): [PairedSocket, PairedSocket] {
    const [one, other] = [new PairedSocket({ allowHalfOpen: true }), new PairedSocket({ allowHalfOpen: true })]
    one.#peer = other
    other.#peer = one
    return [one, other]
  }

  override _read(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const peer = this.#peer
    // Written bytes count as activity, as with any socket.
    if (this.timeout) this.setTimeout(forNode(this.timeout))
    if (!peer || peer.destroyed) callback(Object.assign(new Error('the other end is closed'), { code: 'EPIPE' }))
    else if (peer.push(chunk)) callback()
    else peer.#waiting = callback
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    callback: (error?: Error | null) => void,
  ): void {
    this._write(
      Buffer.concat(chunks.map(({ chunk, encoding }) => Buffer.from(chunk as never, encoding))),
      'utf8',
      callback,
    )
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#peer?.push(null)
    callback()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    const peer = this.#peer
    this._read()
    // After an end in good order, the other end reads the rest.
    if (peer && !this.writableFinished) process.nextTick(() => peer.destroy())
    callback(error)
  }
}

/** Both ends, open until each is ended or destroyed. `remoteAddress` is what the first end shows. */
export function socketPair(remoteAddress: string): readonly [Socket, Socket] {
  const [one, other] = PairedSocket.pair()
  Object.defineProperty(one, 'remoteAddress', { value: remoteAddress })
  return [one, other]
}
