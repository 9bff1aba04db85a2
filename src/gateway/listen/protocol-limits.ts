/**
 * Limits of what a client may do on a connection. They are not options: honest clients never come near them, and
 * raising one would allow an attack. Sizes and times that operators may choose are in the plan.
 */
import type { SecureServerOptions } from 'node:http2'

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
} satisfies SecureServerOptions

export const http2 = {
  settings: {
    // Fits a page's burst of requests (browsers have about 100 in flight); each may hold a window of 64 KB in memory.
    maxConcurrentStreams: 128,
    enablePush: false,
  },
  // Rapid reset (CVE-2023-44487). A page that cancels requests (search as you type, a map that is dragged) resets some
  // hundred streams in a few seconds, repeatedly; an attacker tens of thousands. Beyond the burst the connection gets a
  // GOAWAY; the budget refills at the rate, per second. A stream that is reset before its turn (stream-turns.ts) costs
  // next to nothing.
  streamResetBurst: 1_000,
  streamResetRate: 200,
  // Refused streams beyond maxConcurrentStreams, which an honest client opens only before it has the settings.
  maxSessionRejectedStreams: 100,
  // Malformed and empty frames over the life of a connection: that of a load balancer may last for days, and some
  // clients flush with empty DATA.
  maxSessionInvalidFrames: 1_000,
  // Fields of a head. A browser sends one per cookie, and may keep 180 for a domain; their bytes are bounded by the
  // limit of heads. So are HPACK bombs: the uncompressed size counts.
  maxHeaderListPairs: 256,
  // MB of frames, header blocks and unsent answers that a connection may hold; beyond it, new streams are refused.
  maxSessionMemory: 10,
  // Bytes of a head or of trailers that are sent, as nghttp2 estimates them: 12 more per field. They are bounded when
  // they are read (`limits.answerHeaders`) and by the client's limit (response/h2-head.ts); nghttp2's own 64 KB would
  // end the stream without an error.
  maxSendHeaderBlockLength: 2 ** 31 - 1,
  // Entries in one SETTINGS frame; nine are defined.
  maxSettings: 16,
  // The gateway's own. (nghttp2 bounds those of clients that do not read the answers: 1,000, then GOAWAY.)
  maxOutstandingPings: 4,
  // A padded, malformed or misplaced field is an error (RFC 9113 §8.2.1).
  strictFieldWhitespaceValidation: true,
  // For answers. Repeated fields are dropped in response/answer-fields.ts, over h1 and h2 alike; the rest is harmless,
  // and Node would throw.
  strictSingleValueFields: false,
} satisfies SecureServerOptions
