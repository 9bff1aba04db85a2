import type { ServerHttp2Session } from 'node:http2'
import type { LimitsPlan } from '../../plan/model/plan.ts'
import { forNode } from '../../shared/time/timer.ts'

/**
 * Ends an h2 connection (with a GOAWAY, RFC 9113 §9.1) that is idle for `idleTimeout` with no open stream. An
 * incomplete head opens no stream, so a client that stops in the middle of one, or sends it byte by byte, is closed
 * too. A client that does not even send its settings has `headerTimeout`, as over h1.
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
