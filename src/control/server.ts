import { createServer } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Milliseconds } from '../shared/time/duration.ts'
import { sleep as pause } from '../shared/time/timer.ts'
import type { ControlSource } from './control-source.ts'
import { EventStreams } from './event-stream.ts'
import type { SocketReservation } from './socket.ts'

/** For the last answers, when it is closed. */
const closePatience: Milliseconds = 500

/** The open control socket. */
export interface Control {
  /** Ends all connections and removes the socket file, if it is still ours. */
  close(): Promise<void>
}

export interface ControlOptions {
  /** Released when it is closed. */
  readonly socket: SocketReservation
  readonly source: ControlSource
}

/**
 * Serves the control API and the dashboard. Both are loaded at the first request: a start is faster, and many sidecars
 * are never asked. Throws `control-failed` if the socket cannot be created.
 */
export async function openControl({ socket, source }: ControlOptions): Promise<Control> {
  const streams = new EventStreams(source.events, () => source.status().processes)
  let api: Promise<FastifyInstance> | undefined
  const server = createServer((request, response) => {
    api ??= import('./api.ts').then(({ createApi }) => createApi(source, streams))
    api.then(({ routing }) => routing(request, response)).catch((error) => response.destroy(error))
  })
  await socket.listen(server)
  return {
    async close() {
      // The file first, so that new clients fail at once.
      await socket.release()
      const closed = new Promise((resolve) => server.close(resolve))
      streams.close()
      // The last answers, such as the end of a run, may not be sent yet.
      await Promise.race([closed, pause(closePatience, undefined, { ref: false })])
      server.closeAllConnections()
      await closed
      await (await api)?.close()
    },
  }
}
