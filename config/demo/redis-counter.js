/**
 * INCR against Redis, over a plain socket: the demo needs only this command, and its protocol is a line each
 * way (RESP: https://redis.io/docs/latest/develop/reference/protocol-spec/). A real program would use a client library.
 */
import { createConnection } from 'node:net'
import { createInterface } from 'node:readline'

/** Increments `key`; rejects while Redis is unavailable, and reconnects at the next call. */
export class RedisCounter {
  #port
  #key
  #socket
  /** Pending calls; Redis answers in order. */
  #waiting = []

  constructor(port, key) {
    this.#port = port
    this.#key = key
  }

  /** The next value. */
  next() {
    this.#socket ??= this.#connect()
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#socket.write(`INCR ${this.#key}\r\n`)
    })
  }

  close() {
    this.#socket?.destroy()
  }

  #connect() {
    const socket = createConnection({ host: '127.0.0.1', port: this.#port })
    let reason = new Error('Redis closed the connection')
    socket.on('close', () => {
      this.#socket = undefined
      for (const { reject } of this.#waiting.splice(0)) reject(reason)
    })
    createInterface({ input: socket })
      .on('line', (line) => {
        const asked = this.#waiting.shift()
        if (line.startsWith(':')) asked?.resolve(Number(line.slice(1)))
        else asked?.reject(new Error(`Redis answered ${line}`))
      })
      // The readline interface forwards errors of the socket.
      .on('error', (error) => {
        reason = error
      })
    return socket
  }
}
