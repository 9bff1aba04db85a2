import type { Server, Socket } from 'node:net'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import { withoutMapping } from '../../request/trust.ts'
import { readProxyHeader, type Source, type Version } from './header.ts'

export interface ProxyHeaderOptions {
  readonly version: Version
  /** Whether an address is that of a proxy whose header is believed. */
  trusts(address: string): boolean
  /** How long a header may take to arrive. */
  timeout(): Milliseconds
  /** A connection was closed because of how it began. `cause` contains none of its bytes. */
  refused(cause: string): void
}

type Endpoint = Pick<Socket, 'remoteAddress' | 'remotePort'>

/**
 * Strips the PROXY header from each connection before the server gets it; TLS begins after the header. To be called
 * before other listeners for connections are added. The returned function gives the address that a connection's header
 * named.
 */
export function expectProxyHeader(
  server: Server,
  options: ProxyHeaderOptions,
): (socket: Endpoint) => string | undefined {
  // By address and port, since the TLS socket is another object than the accepted one.
  const sources = new Map<string, Source>()
  const accept = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket)
    takeHeader(socket, options, (source) => {
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

function takeHeader(socket: Socket, options: ProxyHeaderOptions, taken: (source: Source | undefined) => void): void {
  const { version, trusts, timeout, refused } = options
  const peer = withoutMapping(socket.remoteAddress ?? '')
  const refuse = (cause: string) => {
    stop()
    // Reset, without any bytes that could look like an answer.
    socket.resetAndDestroy()
    refused(`${cause} (from ${peer})`)
  }
  if (!trusts(peer)) {
    socket.resetAndDestroy()
    refused(`its peer is not among \`trustedProxies\` (${peer})`)
    return
  }
  let seen: Buffer = Buffer.alloc(0)
  const onReadable = () => {
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
  const timer = setTimeout(() => refuse('the PROXY header did not arrive in time'), timeout())
  // A load balancer that only checks whether the port is open closes without sending anything; that is no error.
  const onLeave = () => {
    stop()
    socket.destroy()
  }
  const stop = () => {
    clearTimeout(timer)
    socket.off('readable', onReadable)
    socket.off('end', onLeave)
    socket.off('error', onLeave)
    socket.off('close', onLeave)
  }
  socket.on('readable', onReadable)
  socket.on('end', onLeave)
  socket.on('error', onLeave)
  socket.on('close', onLeave)
}
