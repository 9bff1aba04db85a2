/** The demo's real-time server: a counter that increments every second and notifies every browser, over Socket.IO. */
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { RedisCounter } from './redis-counter.js'

const tick = 1_000

const http = createServer((request, response) => {
  const healthy = request.url === '/rts-api/v1/health-check'
  response.writeHead(healthy ? 200 : 404, { 'content-type': 'text/plain' }).end(healthy ? 'ok\n' : 'not found\n')
})
const io = new Server(http, { path: '/rts/socket.io' })
const counter = await chooseCounter()

let latest = await count()
const timer = setInterval(async () => {
  latest = await count()
  io.emit('count', latest)
}, tick)

io.on('connection', (socket) => {
  socket.emit('count', latest)
  console.log(`a browser connected over ${socket.conn.transport.name}; ${io.engine.clientsCount} connected`)
  socket.conn.once('upgrade', (transport) => console.log(`upgraded to ${transport.name}`))
  socket.on('disconnect', (reason) => console.log(`a browser disconnected: ${reason}`))
})

http.listen(Number(process.env.PORT), '127.0.0.1', () => console.log(`serving on port ${process.env.PORT}`))

process.once('SIGTERM', () => {
  console.log('stopping: browsers will reconnect')
  clearInterval(timer)
  counter.close()
  io.close()
})

/** What browsers see: the value, where it is counted, or why it stopped. */
async function count() {
  const from = { pid: process.pid, store: counter.store }
  try {
    return { ...from, value: await counter.next() }
  } catch (error) {
    return { ...from, value: latest?.value ?? null, problem: error.message }
  }
}

/** Redis, if it answers; its value outlives this process. */
async function chooseCounter() {
  const port = Number(process.env.REDIS_PORT)
  const redis = Object.assign(new RedisCounter(port, 'demo:count'), { store: 'Redis' })
  try {
    await redis.next()
    console.log(`counting in Redis on port ${port}`)
    return redis
  } catch (error) {
    console.log(`counting in memory, because Redis on port ${port} does not answer (${error.message})`)
    let value = 0
    return { store: 'memory', next: async () => ++value, close: () => {} }
  }
}
