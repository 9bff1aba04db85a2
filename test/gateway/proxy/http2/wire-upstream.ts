/** An HTTP/2 upstream without rules: it writes any frames, and keeps those that come. */
import type { Socket } from 'node:net'
import {
  type Frame,
  flags,
  frame,
  frameReader,
  frameTypes,
  preface,
  settings,
} from '../../../faults/gateway/h2-wire.ts'
import { rawUpstream } from '../../upstreams.ts'

export interface WireConnection {
  readonly socket: Socket
  /** Those that have come, in their order. */
  readonly frames: readonly Frame[]
  write(...frames: readonly Buffer[]): void
  /** The first frame, past or future, for which this is true. */
  frame(wanted: (frame: Frame) => boolean): Promise<Frame>
  /** Calls back for each frame from now on. */
  follow(see: (frame: Frame) => void): void
}

export interface WireUpstream {
  readonly port: number
  readonly origin: string
  /** In the order in which they were made. */
  readonly connections: readonly WireConnection[]
  /** Streams begun on all of them. */
  readonly requests: number
}

/** Called at the head of each request; `request` counts those of all connections from 1. */
export type WireAnswer = (connection: WireConnection, stream: number, request: number) => void

/** `greeting`: its first frames; by default its settings. Without any it does not acknowledge settings either. */
export async function wireUpstream(
  answer: WireAnswer,
  greeting: readonly Buffer[] = [settings({})],
): Promise<WireUpstream> {
  const connections: WireConnection[] = []
  let requests = 0
  const { port } = await rawUpstream((socket) => {
    socket.setNoDelay(true)
    const frames: Frame[] = []
    const looking = new Set<(frame: Frame) => void>()
    const connection: WireConnection = {
      socket,
      frames,
      write: (...sent) => void socket.write(Buffer.concat(sent)),
      follow: (see) => void looking.add(see),
      frame(wanted) {
        const past = frames.find(wanted)
        if (past) return Promise.resolve(past)
        return new Promise((resolve) => {
          const look = (one: Frame) => {
            if (!wanted(one)) return
            looking.delete(look)
            resolve(one)
          }
          looking.add(look)
        })
      },
    }
    connections.push(connection)
    const read = frameReader((one) => {
      frames.push(one)
      for (const look of looking) look(one)
      if (greeting.length > 0 && one.type === frameTypes.settings && (one.flags & flags.acknowledgement) === 0)
        socket.write(frame('settings', { flags: flags.acknowledgement }))
      if (one.type === frameTypes.headers) {
        requests += 1
        answer(connection, one.stream, requests)
      }
    })
    let skipped = 0
    socket.on('data', (chunk: Buffer) => {
      const left = Math.min(chunk.length, preface.length - skipped)
      skipped += left
      read(chunk.subarray(left))
    })
    socket.write(Buffer.concat(greeting))
  })
  return {
    port,
    origin: `h2c://127.0.0.1:${port}`,
    connections,
    get requests() {
      return requests
    },
  }
}
