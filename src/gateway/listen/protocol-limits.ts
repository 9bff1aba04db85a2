/**
 * What a client may do to a connection before it is told to go. These are not options: none of them is ever near to what an
 * honest client does, and whoever raised one would open a door. Sizes and times that operators do choose stand in the plan.
 */
import type { ServerOptions } from 'node:http'
import type { SecureServerOptions } from 'node:http2'

/** Of each connection. */
export const socketOptions = {
  noDelay: true,
  // A peer that vanished behind a silent stream is found by the kernel: below the 60 s after which balancers forget.
  keepAlive: true,
  keepAliveInitialDelay: 45_000,
}

export const http1: ServerOptions = {
  ...socketOptions,
  connectionsCheckingInterval: 1_000,
  // A body may take as long as it needs: uploads of gigabytes are honest.
  requestTimeout: 0,
  // A request without Host is refused by us (admit.ts): Node's own 400 would go by our log.
  requireHostHeader: false,
}

export const tls = {
  // Node's own is 120 s: so long could a silent client hold a connection.
  handshakeTimeout: 10_000,
} satisfies SecureServerOptions

export const http2 = {
  settings: {
    // A page's burst of requests fits (browsers have about 100 under way); each may hold a window of 64 KB of body in our memory.
    maxConcurrentStreams: 128,
    enablePush: false,
  },
  // Rapid reset (CVE-2023-44487). A page that cancels what it asked for (a search at each letter, a map that is dragged) resets
  // some hundred streams in a few seconds, again and again; an attacker tens of thousands. Above this the connection gets a
  // GOAWAY; so many a second are won back. A stream that is reset before its turn (listen/stream-turns.ts) costs us next to nothing.
  streamResetBurst: 1_000,
  streamResetRate: 200,
  // Streams that we refuse: those beyond maxConcurrentStreams, which an honest client opens only before it has our settings.
  maxSessionRejectedStreams: 100,
  // Malformed frames and empty ones, counted for the life of a connection: that of a balancer may last for days, and some
  // clients flush with empty DATA.
  maxSessionInvalidFrames: 1_000,
  // Fields of a head. A browser makes one of each cookie, and may keep 180 of them for a domain; the bytes of all together
  // are bounded by the limit of heads. Bombs of HPACK are, too: what is unpacked counts.
  maxHeaderListPairs: 256,
  // MB of frames, header blocks and unsent answers that a connection may hold; beyond it, new streams are refused.
  maxSessionMemory: 10,
  // Bytes of a head or of trailers that we send, as nghttp2 estimates them: 12 more for each field. Ours are bounded where they are
  // read (`limits.answerHeaders`) and by what the client takes (response/h2-head.ts); nghttp2's own 64 KB would end the stream
  // without a word to us.
  maxSendHeaderBlockLength: 2 ** 31 - 1,
  // Entries in one SETTINGS frame; the standard knows nine.
  maxSettings: 16,
  // Unanswered ones of ours. (Those of clients that do not read our answers are bounded by nghttp2: 1,000, then GOAWAY.)
  maxOutstandingPings: 4,
  // A padded, malformed or misplaced field is an error (RFC 9113 §8.2.1); never lenient.
  strictFieldWhitespaceValidation: true,
  // Of what we send. Repeated fields are set right where an answer comes in (response/answer-fields.ts), over h1 and h2 alike;
  // what is left of them is harmless, and Node would throw.
  strictSingleValueFields: false,
} satisfies SecureServerOptions
