/**
 * What stands behind the gateway under chaos, as a child of it or as a target elsewhere. Serves on PORT:
 *   …/download?id=ID&size=N   the payload, with its length or chunked (`chunked=1`)
 *   …/upload?id=ID&size=N     reads a payload and answers with its SHA-256; one that ends cleanly and is not whole is told on stdout
 *   WebSocket                 echoes every message
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { WebSocketServer } from 'ws'
import { payload, sha256, wrongOf } from './payload.ts'

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://upstream')
  const id = searchParams.get('id') ?? ''
  const size = Number(searchParams.get('size'))
  response.setHeader('x-id', id)
  if (pathname.endsWith('/download')) download(response, payload(id, size), searchParams.has('chunked'))
  else if (pathname.endsWith('/upload')) void upload(request, response, { id, size })
  else response.end()
})

function download(response: ServerResponse, body: Buffer, chunked: boolean): void {
  response.setHeader('content-type', 'application/octet-stream')
  if (!chunked) return void response.writeHead(200, { 'content-length': body.length }).end(body)
  const middle = body.length >> 1
  response.write(body.subarray(0, middle))
  setImmediate(() => response.end(body.subarray(middle)))
}

async function upload(
  request: IncomingMessage,
  response: ServerResponse,
  { id, size }: { readonly id: string; readonly size: number },
): Promise<void> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request) chunks.push(chunk)
  } catch {
    return // cut, and seen to be
  }
  const body = Buffer.concat(chunks)
  const wrong = wrongOf(body, id, size)
  if (wrong !== undefined) console.log(`upload ${id} looked whole: ${wrong}`)
  response.end(JSON.stringify({ id, sha256: sha256(body) }))
}

const sockets = new WebSocketServer({ server })
sockets.on('connection', (socket) => {
  socket.on('error', () => {})
  socket.on('message', (message, binary) => socket.send(message, { binary }))
})
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listens'))
process.on('SIGTERM', () => process.exit(0))
