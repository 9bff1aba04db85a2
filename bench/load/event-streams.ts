/** Many readers of event streams: each event carries the time at which the upstream wrote it. */
import type { Socket } from 'node:net'
import { percentile } from '../measure/statistics.ts'
import type { LoadResult } from './load.ts'
import { closeSockets, inGroups, openSockets, request } from './sockets.ts'

/** Events a second that the upstream sends to each reader. */
export const eventRate = 4

export interface Readers {
  /** Counts the events of some seconds. */
  count(seconds: number): Promise<LoadResult>
  close(): void
}

export async function openEventStreams(port: number, count: number): Promise<Readers> {
  const sockets = await openSockets(port, count)
  let counting = false
  let closed = 0
  let durations: number[] = []
  const read = async (socket: Socket) => {
    const { status } = await request(socket, 'GET /live/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
    if (status !== 200) throw new Error(`the server answers ${status} to a reader of events`)
    socket.on('close', () => {
      closed += 1
    })
    socket.on('data', (chunk: Buffer) => {
      if (!counting) return
      const now = performance.timeOrigin + performance.now()
      for (const [, time] of chunk.toString('latin1').matchAll(/data: ([\d.]+)\n/g)) durations.push(now - Number(time))
    })
  }
  try {
    await inGroups(sockets, read)
  } catch (error) {
    closeSockets(sockets)
    throw error
  }
  return {
    async count(seconds) {
      durations = []
      const started = performance.now()
      counting = true
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
      counting = false
      const elapsed = (performance.now() - started) / 1000
      const requests = durations.length
      if (requests === 0) throw new Error('no event arrived')
      return {
        requests,
        rate: requests / elapsed,
        p50: percentile(durations, 0.5),
        p99: percentile(durations, 0.99),
        failures: closed,
      }
    },
    close: () => closeSockets(sockets),
  }
}
