/**
 * An upstream of many manners, for end-to-end tests. Serves on PORT:
 *   /pid            its pid
 *   /slow?ms=N      answers `slow` after N ms; `/slow` says on stdout how many are waiting
 *   /echo           answers with the request's body
 *   /seen           its NAME and the headers it got, as JSON
 *   /events         an endless event stream that counts in its ids, on from `Last-Event-ID`
 *   WebSocket       echoes every message; `bye` is said on stdout when a client's connection is closed
 * READY_AFTER: milliseconds for which /health answers 503. NAME: how it calls itself on stdout.
 */
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const name = process.env.NAME ?? 'upstream'
const started = performance.now()
let waiting = 0

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://upstream')
  if (pathname === '/health') {
    const ready = performance.now() - started >= Number(process.env.READY_AFTER ?? 0)
    response.writeHead(ready ? 200 : 503).end()
  } else if (pathname.endsWith('/slow')) {
    waiting += 1
    console.log(`waiting ${waiting}`)
    setTimeout(() => response.end('slow'), Number(searchParams.get('ms')))
  } else if (pathname.endsWith('/echo')) {
    request.pipe(response)
  } else if (pathname.endsWith('/seen')) {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ name, headers: request.headers }))
  } else if (pathname.endsWith('/events')) {
    let id = Number(request.headers['last-event-id'] ?? 0)
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    const timer = setInterval(() => response.write(`id: ${++id}\ndata: ${name}\n\n`), 50)
    response.once('close', () => clearInterval(timer))
  } else {
    response.end(String(process.pid))
  }
})
new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', (message) => socket.send(message))
  socket.on('close', () => console.log('bye'))
})
server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log(`${name} listens`))
process.on('SIGTERM', () => {
  console.log(`${name} was asked to stop`)
  process.exit(0)
})
