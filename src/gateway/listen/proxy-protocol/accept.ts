import type { Server, Socket } from 'node:net'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import { withoutMapping } from '../../request/trust.ts'
import { readProxyHeader, type Source, type Version } from './header.ts'

export interface Expectation {
  readonly version: Version
  /** Whether an address is that of a proxy whose header is believed. */
  trusts(address: string): boolean
  /** How long a header may take to arrive. */
  patience(): Milliseconds
  /** A connection was closed because of what it began with. `cause` names neither secrets nor bytes of it. */
  refused(cause: string): void
}

type Endpoint = Pick<Socket, 'remoteAddress' | 'remotePort'>

/**
 * Lets the server see a connection only after its PROXY header, which is taken away; TLS begins behind it. To be called
 * before anyone else listens for connections. Returns the address that a connection's header named, if it named one.
 */
export function expectProxyHeader(server: Server, expectation: Expectation): (socket: Endpoint) => string | undefined {
  // By address and port rather than by socket: the one that speaks TLS is another one than the one that was accepted.
  const sources = new Map<string, Source>()
  const accept = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket)
    takeHeader(socket, expectation, (source) => {
      if (source) {
        sources.set(key, source)
        socket.once('close', () => sources.delete(key))
      }
      for (const listener of accept) listener.call(server, socket)
    })
  })
  return (socket) => sources.get(keyOf(socket))?.address
}

function keyOf({ remoteAddress, remotePort }: Endpoint): string {
  return `${remoteAddress} ${remotePort}`
}

function takeHeader(socket: Socket, expectation: Expectation, taken: (source: Source | undefined) => void): void {
  const { version, trusts, patience, refused } = expectation
  const peer = withoutMapping(socket.remoteAddress ?? '')
  const refuse = (cause: string) => {
    stop()
    // A reset: nothing that was not asked for shall look like an answer.
    socket.resetAndDestroy()
    refused(`${cause} (from ${peer})`)
  }
  if (!trusts(peer)) {
    socket.resetAndDestroy()
    refused(`a connection of a peer that is not among \`trustedProxies\` (${peer})`)
    return
  }
  let seen: Buffer = Buffer.alloc(0)
  const look = () => {
    for (let chunk = socket.read() as Buffer | null; chunk; chunk = socket.read() as Buffer | null) {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk])
      const header = readProxyHeader(seen, version)
      if (header.kind === 'malformed') return refuse(header.cause)
      if (header.kind === 'incomplete') continue
      stop()
      if (header.length < seen.length) socket.unshift(seen.subarray(header.length))
      return taken(header.source)
    }
  }
  const timer = setTimeout(() => refuse('the PROXY header did not arrive in time'), patience())
  // A load balancer that only looks whether the port is open leaves without a word, and that is no fault.
  const leave = () => {
    stop()
    socket.destroy()
  }
  const stop = () => {
    clearTimeout(timer)
    socket.off('readable', look)
    socket.off('end', leave)
    socket.off('error', leave)
    socket.off('close', leave)
  }
  socket.on('readable', look)
  socket.on('end', leave)
  socket.on('error', leave)
  socket.on('close', leave)
}
