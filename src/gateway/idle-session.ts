import type { ServerHttp2Session } from 'node:http2'
import type { Milliseconds } from '../shared/duration.ts'

/**
 * Ends an h2 connection (with a GOAWAY, RFC 9113 §9.1) on which nothing moves for `timeout` and no stream is open. A head that
 * never ends opens no stream, so that a client that stops in the midst of one is gone after this time as well.
 */
export function endWhenIdle(session: ServerHttp2Session, timeout: Milliseconds): void {
  let open = 0
  session.on('stream', (stream) => {
    open += 1
    stream.once('close', () => {
      open -= 1
    })
  })
  session.setTimeout(timeout)
  session.on('timeout', () => {
    if (open === 0) session.destroy()
  })
}
