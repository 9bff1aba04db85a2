import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2'
import { messageOf } from '../../shared/errors.ts'
import { failedOrNotTried } from '../../shared/system/local-fault.ts'
import type { Attempt, Finding } from './attempt.ts'
import { healthRequest, readHealthResponse } from './grpc-health.ts'

const ok = '0'
/** By number (grpc/doc/statuscodes.md); those that a health check can return. */
const statusNames: Readonly<Record<string, string>> = {
  5: 'NOT_FOUND: no such service',
  7: 'PERMISSION_DENIED',
  12: 'UNIMPLEMENTED: it has no health service',
  13: 'INTERNAL',
  14: 'UNAVAILABLE',
  16: 'UNAUTHENTICATED',
}

/** A response has 7 bytes; a much longer one is not read. */
const longestAnswer = 4_096

/**
 * Passes when `grpc.health.v1.Health/Check` returns SERVING, over HTTP/2 without TLS. As with http, each attempt opens
 * a new connection.
 */
export function grpcAttempt(port: number, service: string): Attempt {
  const where = `gRPC health on port ${port}`
  return (signal) =>
    new Promise((resolve) => {
      const session = connect(`http://127.0.0.1:${port}`)
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
      askHealth(session, service, (found) => end(typeof found === 'string' ? `${where} ${found}` : found))
    })
}

/** `answered` is called with undefined for SERVING, else with what was wrong. */
function askHealth(session: ClientHttp2Session, service: string, answered: (found: Finding) => void): void {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': 'gatehouse-probe',
  })
  const chunks: Buffer[] = []
  let length = 0
  let head: IncomingHttpHeaders = {}
  let trailers: IncomingHttpHeaders = {}
  stream.on('response', (headers) => {
    head = headers
  })
  stream.on('trailers', (headers) => {
    trailers = headers
  })
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length <= longestAnswer) chunks.push(chunk)
    else answered('answered with more than a health status')
  })
  stream.on('error', (error) => answered(failedOrNotTried(error, messageOf(error))))
  stream.on('end', () => answered(judgeAnswer(head, trailers, Buffer.concat(chunks))))
  stream.end(healthRequest(service))
}

function judgeAnswer(head: IncomingHttpHeaders, trailers: IncomingHttpHeaders, body: Buffer): string | undefined {
  if (Number(head[':status']) !== 200) return `answered ${head[':status']}`
  // A response without a message has its status in the headers ("Trailers-Only").
  const code = trailers['grpc-status'] ?? head['grpc-status']
  if (code === undefined) return 'answered, but not with gRPC'
  if (code !== ok) return `answered ${statusNames[String(code)] ?? `with gRPC status ${Number(code)}`}`
  const status = readHealthResponse(body)
  if (status === 'SERVING') return undefined
  return status ? `answered ${status}` : 'answered without a valid health status'
}
