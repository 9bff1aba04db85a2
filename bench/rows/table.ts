/** Every row of the comparison. The access log goes to a file, and there is one thread, unless a row says otherwise. */
import { halfOfCapacity, httpLoad, openConnections, tlsHandshakes } from './http-load.ts'
import { idleCpu, idleMemory, reload, start } from './life.ts'
import type { Row } from './row.ts'
import { eventFanOut, idleWebSockets, webSocketEcho } from './streams.ts'

const small = httpLoad({ path: '/', bytes: 80 })
const medium = '/files/medium.css'

/** Each value with its row, whose name begins with the series: also drawn as a plot. */
export const series = { routes: [10, 100, 500, 2_000], connections: [10, 1_000, 10_000] } as const

const encoded = (encoding: 'gzip' | 'br' | 'zstd'): Row => ({
  name: `file 136 KB, ${encoding}`,
  needs: ['files', encoding],
  warm: httpLoad({ path: medium, headers: { 'accept-encoding': encoding }, encoding }),
})

export const rows: readonly Row[] = [
  { name: 'proxy h1, 80 B', needs: ['proxy'], warm: small },
  { name: 'proxy h1, 10 KB', needs: ['proxy'], warm: httpLoad({ path: '/origin/10k.css', bytes: 10_000 }) },
  { name: 'proxy h1, 1 MB', needs: ['proxy'], warm: httpLoad({ path: '/origin/1m.bin', bytes: 1_000_000 }) },
  { name: 'proxy h1, POST 1 KB', needs: ['proxy'], warm: httpLoad({ path: '/post/', post: 1_000, bytes: 80 }) },
  { name: 'proxy h1, POST 1 MB', needs: ['proxy'], warm: httpLoad({ path: '/post/', post: 1_000_000, bytes: 80 }) },
  { name: 'proxy TLS h1, 80 B', needs: ['proxy'], warm: httpLoad({ path: '/', protocol: 'TLS h1', bytes: 80 }) },
  { name: 'proxy TLS h2, 80 B', needs: ['proxy'], warm: httpLoad({ path: '/', protocol: 'TLS h2', bytes: 80 }) },
  { name: 'proxy h1 to h2c, 80 B', needs: ['proxy', 'h2c'], site: { h2c: true }, warm: small },
  { name: 'file 1.4 KB', needs: ['files'], warm: httpLoad({ path: '/files/small.css', bytes: 1_400 }) },
  { name: 'file 136 KB', needs: ['files'], warm: httpLoad({ path: medium, bytes: 136_000 }) },
  encoded('gzip'),
  encoded('br'),
  encoded('zstd'),
  {
    name: 'file, 304',
    needs: ['files'],
    warm: httpLoad({ path: medium, conditional: true, status: 304, bytes: 0 }),
  },
  {
    name: 'file 50 MB',
    needs: ['files'],
    warm: httpLoad({ path: '/files/cold.bin', connections: 4, bytes: 50_000_000 }),
  },
  {
    name: 'file 1.4 KB, TLS h2',
    needs: ['files'],
    warm: httpLoad({ path: '/files/small.css', protocol: 'TLS h2', bytes: 1_400 }),
  },
  { name: 'TLS handshake, full', needs: ['files'], warm: tlsHandshakes('full') },
  { name: 'TLS handshake, resumed', needs: ['files'], warm: tlsHandshakes('resumed') },
  { name: 'WebSocket echo', needs: ['proxy'], warm: webSocketEcho(64) },
  { name: 'WebSocket, 5,000 idle', needs: ['proxy'], measure: idleWebSockets(5_000) },
  { name: 'event stream, 1,000 readers', needs: ['proxy'], warm: eventFanOut(1_000) },
  { name: 'proxy h1, no access log', needs: ['proxy'], site: { accessLog: false }, warm: small },
  { name: 'proxy h1, rate limit', needs: ['proxy', 'rate limit'], site: { rateLimit: 1_000_000 }, warm: small },
  { name: 'proxy h1, 2 threads', needs: ['proxy'], site: { threads: 2 }, warm: small },
  { name: 'proxy h1, half of capacity', needs: ['proxy'], warm: halfOfCapacity() },
  ...series.routes.map(
    (routes): Row => ({ name: `routes, ${routes}`, needs: ['proxy'], site: { routes }, warm: small }),
  ),
  ...series.connections.map(
    (count): Row => ({ name: `connections, ${count}`, needs: ['proxy'], warm: openConnections(count) }),
  ),
  { name: 'exec to first 200', needs: ['proxy'], measure: start() },
  ...[10, 100, 1_000].map(
    (routes): Row => ({ name: `reload, ${routes} routes`, needs: ['reload'], site: { routes }, measure: reload() }),
  ),
  { name: 'idle', needs: ['processes'], measure: idleMemory() },
  { name: 'idle, 100 processes', needs: ['processes'], site: { processes: 100 }, measure: idleCpu() },
]
