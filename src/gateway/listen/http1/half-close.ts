/**
 * h1 clients that end their side of the connection before they have their answer. Such an end does not say whether they
 * still read (`shutdown`) or are gone (`close`); that shows when they get the next bytes
 * (docs/adr/0017-h1-connections.md).
 */

import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setInterval } from '../../../shared/time/timer.ts'

/** How often sockets are checked for a reset. */
const checkEvery: Milliseconds = 200
/** How long after the client's end it is probed whether it still reads. */
const probeAfter: Milliseconds = 1_000

/** Where Node keeps the answer in flight on a socket, and the connection below TLS. */
interface Answering {
  readonly _httpMessage?: ServerResponse | null
  readonly _parent?: Socket | null
}

interface Ended {
  readonly at: Milliseconds
  probed: boolean
}

export class HalfClosed {
  readonly #sockets = new Map<Socket, Ended>()
  #timer: NodeJS.Timeout | undefined

  /** Checks the connection from its client's end on, while an answer is in flight. */
  watch(socket: Socket): void {
    socket.on('end', () => {
      if (!(socket as Answering)._httpMessage) return
      this.#sockets.set(socket, { at: performance.now(), probed: false })
      this.#timer ??= setInterval(() => this.#check(), checkEvery).unref()
    })
  }

  #check(): void {
    const now = performance.now()
    for (const [socket, ended] of this.#sockets) {
      const { _httpMessage: answer, _parent: below } = socket as Answering
      if (socket.destroyed || !answer) {
        this.#sockets.delete(socket)
        continue
      }
      // An empty write sends nothing, but fails after a reset, which reading no longer reports once the client has
      // ended.
      const wire = below ?? socket
      wire.write('')
      if (ended.probed || now - ended.at < probeAfter) continue
      ended.probed = true
      probe(answer)
    }
    if (this.#sockets.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/**
 * Sends bytes that a reading client ignores, and to which a client that is gone answers with a reset: before the head,
 * an interim answer (RFC 9110 §15.2); between two chunks, a zero in front of the next chunk's size (RFC 9112 §7.1).
 * HTTP/1.0 has neither, and a body of known length has no room: there the next bytes of the upstream are the probe.
 */
function probe(answer: ServerResponse): void {
  if (answer.req.httpVersion !== '1.1' || answer.writableEnded) return
  if (!answer.headersSent) answer.writeContinue()
  else if (answer.chunkedEncoding && answer.req.method !== 'HEAD') answer.socket?.write('0')
}
