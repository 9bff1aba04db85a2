/** Asks a server for its gRPC health (`grpc.health.v1.Health/Check`). */
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2'
import { messageOf } from '../errors.ts'
import { failedOrNotTried, type NotTried } from '../system/local-fault.ts'
import { healthRequest, readHealthResponse } from './grpc-messages.ts'

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

export interface GrpcHealthQuestion {
  /** Empty: the server as a whole. */
  readonly service: string
  readonly userAgent: string
}

/**
 * `answered` is called with undefined for SERVING, else with what was wrong; maybe more than once, of which the first
 * counts. The caller handles the session's errors and its end.
 */
export function askGrpcHealth(
  session: ClientHttp2Session,
  { service, userAgent }: GrpcHealthQuestion,
  answered: (found: string | NotTried | undefined) => void,
): void {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    'content-type': 'application/grpc',
    te: 'trailers',
    'user-agent': userAgent,
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
  stream.on('error', (error) => answered(failedOrNotTried(error, messageOf(causeOf(error)))))
  stream.on('end', () => answered(judgeAnswer(head, trailers, Buffer.concat(chunks))))
  stream.end(healthRequest(service))
}

/** Why the connection failed, if that is why its stream did. */
export function causeOf(error: Error): Error {
  return error.cause instanceof Error ? error.cause : error
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
