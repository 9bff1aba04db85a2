import { createServer } from 'node:http'
import fastify, { type FastifyInstance } from 'fastify'
import { messageOf } from '../shared/errors.ts'
import { type Failure, paths, type Status, statusSchema } from './contract.ts'
import type { StatusSource } from './ports.ts'
import { takeSeat } from './socket.ts'

/** The open control socket. */
export interface Control {
  /** Ends all connections and removes the socket file, if it is still ours. */
  close(): Promise<void>
}

export interface ControlOptions {
  /** Absolute path of the Unix socket; only the user that runs Gatehouse, and root, may open it. */
  readonly socket: string
  readonly source: StatusSource
}

/**
 * Serves the control API: `GET /v1/status`. Throws `already-running` if a Gatehouse listens on the socket, and
 * `control-failed` if the path cannot be used.
 */
export async function openControl({ socket, source }: ControlOptions): Promise<Control> {
  const app = createApp(source)
  await app.ready()
  const server = createServer((request, response) => app.routing(request, response))
  const seat = await takeSeat(server, socket)
  return {
    async close() {
      // The file first: from now on a client learns at once that nobody listens.
      await seat.leave()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      await app.close()
    },
  }
}

function createApp(source: StatusSource): FastifyInstance {
  const app = fastify({ logger: false })
  // Parsing keeps to the contract: a field that a source has besides, such as a child's environment, never leaves the process.
  app.get(paths.status, async (): Promise<Status> => statusSchema.parse(source.status()))
  app.setNotFoundHandler(async (request, reply): Promise<Failure> => {
    reply.code(404)
    return failure('not-found', `the control API has no ${request.method} ${request.url}`)
  })
  app.setErrorHandler(async (error: { statusCode?: number }, _request, reply): Promise<Failure> => {
    reply.code(error.statusCode ?? 500)
    return failure(error.statusCode === undefined ? 'internal' : 'bad-request', messageOf(error))
  })
  return app
}

function failure(code: string, message: string): Failure {
  return { error: { code, message } }
}
