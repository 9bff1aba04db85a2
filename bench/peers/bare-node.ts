/**
 * `node bare-node.ts HTTP_PORT HTTPS_PORT CERTIFICATE KEY SIZE`: the least that Node can do, as a floor: 200 and SIZE
 * bytes on every path below /files/, 80 bytes on every other, without a proxy, a file or a log.
 */
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createSecureServer } from 'node:http2'

const [http = '', https = '', certificate = '', key = '', size = ''] = process.argv.slice(2)
const answers = { file: Buffer.alloc(Number(size), 'f'), other: Buffer.alloc(80, 'h') }

const answer: RequestListener = (request, response) => {
  const body = request.url?.startsWith('/files/') ? answers.file : answers.other
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length })
  response.end(body)
}

createServer(answer).listen(Number(http), '127.0.0.1', 4096)
createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key), allowHTTP1: true })
  // HTTP/2's compatibility classes have what `answer` uses.
  .on('request', (request, response) => answer(request as never, response as never))
  .listen(Number(https), '127.0.0.1', 4096)
