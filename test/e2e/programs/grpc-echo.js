// A gRPC server over HTTP/2 without TLS on PORT, of node:http2 alone: health is SERVING, until SIGUSR1; every other call
// gets its own messages back, one by one, and NAME as trailing metadata.
import { createServer } from 'node:http2'

const { PORT, NAME = 'none' } = process.env
let status = 1
process.on('SIGUSR1', () => {
  status = 2
})

const server = createServer()
server.on('stream', (stream, headers) => {
  stream.on('error', () => {})
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'server-name': NAME }))
  if (headers[':path'] === '/grpc.health.v1.Health/Check') {
    stream.resume()
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status]))
  } else stream.pipe(stream)
})
server.listen(Number(PORT), '127.0.0.1', () => console.log('listening'))
