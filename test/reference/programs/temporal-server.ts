/** Temporal's frontend, as far as gRPC's health protocol tells. It refuses to start on a database without its schemas. */
import { existsSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { listen, sayCommandLine } from './listen.ts'
import { temporalFile } from './temporal-state.ts'

sayCommandLine('temporal-server')
if (!existsSync(temporalFile('schema'))) {
  console.error('sql schema version compatibility check failed')
  process.exit(1)
}
const server = createServer()
server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
  stream.on('error', () => {}).resume()
  if (headers[':path'] !== '/grpc.health.v1.Health/Check') {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true })
    return
  }
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  // A message of two bytes that is not compressed: status (field 1) is SERVING (1).
  stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, 1]))
})
listen(server, { port: Number(process.env.GATEHOUSE_TEMPORAL_PORT) })
