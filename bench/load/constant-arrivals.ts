/**
 * An open loop: requests arrive at a constant rate, however slow the answers are, and a request waits if all
 * connections are busy. Its latency counts from when it was due, so that a stall counts for all who would have met it.
 */
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { percentile } from '../measure/statistics.ts'
import type { LoadResult } from './load.ts'
import { closeSockets, openSockets } from './sockets.ts'

const connections = 128

/** Requests /, whose answer has 80 bytes, at a rate in requests a second. */
export async function constantArrivals(port: number, rate: number, seconds: number): Promise<LoadResult> {
  const sockets = await openSockets(port, connections)
  try {
    return await new Arrivals(sockets, port).run(rate, seconds)
  } finally {
    closeSockets(sockets)
  }
}

class Arrivals {
  readonly #idle: Socket[] = []
  /** When each request that waits for a connection was due. */
  readonly #waiting: number[] = []
  readonly #durations: number[] = []
  readonly #request: string
  #failures = 0

  constructor(sockets: readonly Socket[], port: number) {
    this.#request = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
    this.#idle.push(...sockets)
  }

  async run(rate: number, seconds: number): Promise<LoadResult> {
    const started = performance.now()
    const total = Math.max(1, Math.floor(rate * seconds))
    for (let sent = 0; sent < total; ) {
      const due = Math.min(total, Math.floor(((performance.now() - started) / 1000) * rate))
      for (; sent < due; sent += 1) this.#arrive(started + (sent / rate) * 1000)
      await pause(1)
    }
    // Late answers count; those that do not come within a while are failures.
    for (let waited = 0; this.#durations.length + this.#failures < total && waited < 5_000; waited += 10)
      await pause(10)
    const answered = this.#durations.length
    return {
      requests: answered,
      rate: answered / ((performance.now() - started) / 1000),
      p50: percentile(this.#durations, 0.5),
      p99: percentile(this.#durations, 0.99),
      failures: total - answered,
    }
  }

  #arrive(due: number): void {
    const socket = this.#idle.pop()
    if (socket === undefined) this.#waiting.push(due)
    else this.#send(socket, due)
  }

  #send(socket: Socket, due: number): void {
    let text = ''
    const end = () => {
      socket.off('data', onData)
      socket.off('close', onClose)
    }
    const onClose = () => {
      end()
      this.#failures += 1
    }
    const onData = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1])
      if (head === -1 || text.length < head + 4 + length) return
      end()
      if (text.startsWith('HTTP/1.1 200') && length === 80) this.#durations.push(performance.now() - due)
      else this.#failures += 1
      const next = this.#waiting.shift()
      if (next === undefined) this.#idle.push(socket)
      else this.#send(socket, next)
    }
    socket.on('data', onData).once('close', onClose)
    socket.write(this.#request)
  }
}
