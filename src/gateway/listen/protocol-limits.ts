/**
 * Limits of what a client may do on a connection. They are not options: honest clients never come near them, and
 * raising one would allow an attack. Sizes and times that operators may choose are in the plan.
 */

/** Of each connection. */
export const socketOptions = {
  noDelay: true,
  // The kernel detects a vanished peer; below the 60 s after which load balancers drop a connection.
  keepAlive: true,
  keepAliveInitialDelay: 45_000,
}

export const tls = {
  // Node's default of 120 s would let a silent client hold a connection for long.
  handshakeTimeout: 10_000,
}

export const http2 = {
  // Fits a page's burst of requests (browsers have about 100 in flight); each may hold a window of 64 KB in memory.
  maxConcurrentStreams: 128,
  // Rapid reset (CVE-2023-44487). A page that cancels requests (search as you type, a map that is dragged) resets some
  // hundred streams in a few seconds, repeatedly; an attacker tens of thousands. Beyond the burst the connection gets a
  // GOAWAY; the budget refills at the rate, per second. A stream that is reset before its turn (http2/stream-turns.ts)
  // costs next to nothing.
  streamResets: { burst: 1_000, rate: 200 },
  // Floods of SETTINGS and PING (CVE-2019-9515, -9512): the answers to 300,000 of them fit into the kernel's buffers, so
  // what is unread tells too little. An honest client changes its settings once or twice, and pings once in seconds.
  answeredFrames: { burst: 1_000, rate: 100 },
  // Refused streams beyond maxConcurrentStreams, which an honest client opens only before it has the settings.
  maxRejectedStreams: 100,
  // Malformed requests, and streams that a client has us reset (MadeYouReset, CVE-2025-8671), over the life of a
  // connection: that of a load balancer may last for days.
  maxInvalidRequests: 1_000,
  // Fields of a head. A browser sends one per cookie, and may keep 180 for a domain; their bytes are bounded by the
  // limit of heads. So are HPACK bombs: the uncompressed size counts.
  maxFields: 256,
}
