/** The Node backend's place: real Socket.IO under /rts/, which answers what it is sent, and its health. */
import { createServer } from 'node:http'
import { Server } from 'socket.io'

const server = createServer((request, response) => {
  const found = request.url === '/rts-api/v1/health-check'
  response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
  response.end(JSON.stringify(found ? { status: 'UP' } : { missing: request.url }))
})
const io = new Server(server, { path: '/rts/socket.io' })
io.on('connection', (socket) => {
  socket.on('say', (words, answer) => answer({ words, over: socket.conn.transport.name }))
})
server.listen(Number(process.env.APPSMITH_RTS_PORT ?? 8091), '127.0.0.1')
process.once('SIGTERM', () => void io.close(() => process.exit(0)))
