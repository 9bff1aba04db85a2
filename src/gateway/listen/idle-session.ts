import type { ServerHttp2Session } from 'node:http2'
import type { LimitsPlan } from '../../plan/model/plan.ts'
import { forNode } from '../../shared/time/timer.ts'

/**
 * Ends an h2 connection (with a GOAWAY, RFC 9113 §9.1) on which nothing moves for `idleTimeout` and no stream is open. A head
 * that never ends opens no stream, so that a client that stops in the midst of one, or sends it a byte at a time, is gone
 * after this time as well. One that does not even begin (with its settings) has `headerTimeout`, as over h1.
 */
export function endWhenIdle(
  session: ServerHttp2Session,
  { headerTimeout, idleTimeout }: Pick<LimitsPlan, 'headerTimeout' | 'idleTimeout'>,
): void {
  let open = 0
  session.on('stream', (stream) => {
    open += 1
    stream.once('close', () => {
      open -= 1
    })
  })
  session.setTimeout(forNode(headerTimeout))
  session.once('remoteSettings', () => session.setTimeout(forNode(idleTimeout)))
  session.on('timeout', () => {
    if (open === 0) session.destroy()
  })
}
