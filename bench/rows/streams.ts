/** Rows with connections that stay open: WebSockets and event streams. */
import { setTimeout as pause } from 'node:timers/promises'
import { openEventStreams } from '../load/event-streams.ts'
import { closeSockets } from '../load/sockets.ts'
import { echoes, openWebSockets } from '../load/web-sockets.ts'
import { measured } from './http-load.ts'
import type { Row } from './row.ts'

/** Seconds. */
const warmup = 1
const settle = 1_000

/** Echoes of small messages. */
export function webSocketEcho(count: number): Row['measure'] {
  return async (run) => {
    const server = await run.start()
    const sockets = await openWebSockets(run.site.http, count)
    try {
      await echoes(sockets, warmup)
      return await measured(server, () => echoes(sockets, run.seconds))
    } finally {
      closeSockets(sockets)
    }
  }
}

/** Memory that each idle WebSocket takes. */
export function idleWebSockets(count: number): Row['measure'] {
  return async (run) => {
    const server = await run.start()
    // The code that the first ones need is no memory of theirs.
    closeSockets(await openWebSockets(run.site.http, 100))
    await pause(settle)
    const before = server.memory()
    const sockets = await openWebSockets(run.site.http, count)
    try {
      await pause(settle)
      return { each: (server.memory() - before) / count / 1e3, peak: server.peakMemory() / 1e6 }
    } finally {
      closeSockets(sockets)
    }
  }
}

/** Events to many readers. */
export function eventFanOut(count: number): Row['measure'] {
  return async (run) => {
    const server = await run.start()
    const readers = await openEventStreams(run.site.http, count)
    try {
      await readers.count(warmup)
      return await measured(server, () => readers.count(run.seconds))
    } finally {
      readers.close()
    }
  }
}
