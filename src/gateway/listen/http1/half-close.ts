/**
 * Clients over h1 that end their side of the connection while an answer is owed to them. Such an end does not say whether they
 * still read (`shutdown`) or are gone (`close`); what tells is how they take the next bytes: see ADR 0017.
 */

import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setInterval } from '../../../shared/time/timer.ts'

/** How often it is looked whether a client has answered with a reset. */
const lookEvery: Milliseconds = 200
/** How long an upstream may think before it is asked whether somebody still waits for its answer. */
const askAfter: Milliseconds = 1_000

/** Node's own places for the answer that is under way on a socket, and for the connection below TLS. */
interface Answering {
  readonly _httpMessage?: ServerResponse | null
  readonly _parent?: Socket | null
}

interface Ended {
  readonly at: Milliseconds
  asked: boolean
}

export class HalfClosed {
  readonly #sockets = new Map<Socket, Ended>()
  #timer: NodeJS.Timeout | undefined

  /** Looks after the connection from its client's end on, for as long as an answer is under way. */
  watch(socket: Socket): void {
    socket.on('end', () => {
      if (!(socket as Answering)._httpMessage) return
      this.#sockets.set(socket, { at: performance.now(), asked: false })
      this.#timer ??= setInterval(() => this.#look(), lookEvery).unref()
    })
  }

  #look(): void {
    const now = performance.now()
    for (const [socket, ended] of this.#sockets) {
      const { _httpMessage: answer, _parent: below } = socket as Answering
      if (socket.destroyed || !answer) {
        this.#sockets.delete(socket)
        continue
      }
      // Sends nothing, and fails where a reset has come: reading tells of an end only, once there was one.
      const wire = below ?? socket
      wire.write('')
      if (ended.asked || now - ended.at < askAfter) continue
      ended.asked = true
      ask(answer)
    }
    if (this.#sockets.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/**
 * Sends what says nothing to a client that reads, and one that is gone answers with a reset: an interim answer before the head,
 * which every client passes over (RFC 9110 §15.2); between two chunks, a zero in front of the next one's size (RFC 9112 §7.1).
 * HTTP/1.0 knows neither, and a body of known length has no room: there the next bytes of the upstream ask.
 */
function ask(answer: ServerResponse): void {
  if (answer.req.httpVersion !== '1.1' || answer.writableEnded) return
  if (!answer.headersSent) answer.writeContinue()
  else if (answer.chunkedEncoding && answer.req.method !== 'HEAD') answer.socket?.write('0')
}
