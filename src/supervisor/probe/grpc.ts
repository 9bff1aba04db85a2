import { messageOf } from '../../shared/errors.ts'
import { askGrpcHealth } from '../../shared/net/grpc-health.ts'
import { failedOrNotTried } from '../../shared/system/local-fault.ts'
import { onDemand } from '../../shared/system/on-demand.ts'
import type { Attempt, Finding } from './attempt.ts'

/**
 * Passes when `grpc.health.v1.Health/Check` returns SERVING, over HTTP/2 without TLS. As with http, each attempt opens
 * a new connection.
 */
export function grpcAttempt(port: number, service: string): Attempt {
  const where = `gRPC health on port ${port}`
  return (signal) =>
    new Promise((resolve) => {
      const session = onDemand.http2().connect(`http://127.0.0.1:${port}`)
      const end = (found: Finding) => {
        resolve(found)
        session.destroy()
      }
      // The caller knows why: a timeout, or the result is no longer needed.
      const abort = () => end(`${where} did not answer`)
      if (signal.aborted) abort()
      signal.addEventListener('abort', abort, { once: true })
      session.once('close', () => {
        signal.removeEventListener('abort', abort)
        resolve(`${where} closed the connection without an answer`)
      })
      session.on('error', (error) => end(failedOrNotTried(error, `${where}: ${messageOf(error)}`)))
      askGrpcHealth(session, { service, userAgent: 'gatehouse-probe' }, (found) =>
        end(typeof found === 'string' ? `${where} ${found}` : found),
      )
    })
}
