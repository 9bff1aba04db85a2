/** Rows with connections that stay open: WebSockets and event streams. */
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { openEventStreams, type Readers } from '../load/event-streams.ts'
import { closeSockets } from '../load/sockets.ts'
import { echoes, openWebSockets } from '../load/web-sockets.ts'
import { measured } from './http-load.ts'
import { type FreshRow, type WarmRow, warmup } from './row.ts'

/** Milliseconds. */
const settle = 1_000

/** Echoes of small messages. */
export function webSocketEcho(count: number): WarmRow['warm'] {
  return async (run) => {
    const server = await run.start()
    const withSockets = async <Result>(use: (sockets: readonly Socket[]) => Promise<Result>) => {
      const sockets = await openWebSockets(run.site.http, count)
      try {
        return await use(sockets)
      } finally {
        closeSockets(sockets)
      }
    }
    await withSockets((sockets) => echoes(sockets, warmup))
    return () => withSockets((sockets) => measured(server, () => echoes(sockets, run.seconds)))
  }
}

/** Memory that each idle WebSocket takes. */
export function idleWebSockets(count: number): FreshRow['measure'] {
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
export function eventFanOut(count: number): WarmRow['warm'] {
  return async (run) => {
    const server = await run.start()
    const withReaders = async <Result>(use: (readers: Readers) => Promise<Result>) => {
      const readers = await openEventStreams(run.site.http, count)
      try {
        return await use(readers)
      } finally {
        readers.close()
      }
    }
    await withReaders((readers) => readers.count(warmup))
    return () => withReaders((readers) => measured(server, () => readers.count(run.seconds)))
  }
}
