import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { type Acceptor, acceptOn } from '../../../src/gateway/listen/accept.ts'
import { socketOptions } from '../../../src/gateway/listen/protocol-limits.ts'

const clients: Socket[] = []
let acceptor: Acceptor | undefined

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
  acceptor?.close()
})

async function listening() {
  const server = createServer(socketOptions, (request, response) => {
    if (request.url !== '/wait') response.end(request.url)
  })
  const opened = await acceptOn(server, { host: '127.0.0.1', port: 0 })
  acceptor = opened
  const accepted: Socket[] = []
  server.on('connection', (socket: Socket) => accepted.push(socket))
  return { server, accepted, ...opened }
}

/** The system shakes hands at once; who accepts them is another question. */
function dial(port: number, count: number): readonly Socket[] {
  const opened = Array.from({ length: count }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}))
  clients.push(...opened)
  return opened
}

it.skipIf(process.platform !== 'linux')(
  'a burst of connections is not accepted one in each turn of the event loop',
  async () => {
    const { accepted, address } = await listening()
    dial(address.port, 128)
    let turns = 0
    while (accepted.length < 128) {
      await turn()
      turns += 1
    }
    // 16 in each of the 8 queues, were the kernel to spread them evenly.
    expect(turns).toBeLessThan(64)
  },
)

it('a connection of any queue is served, and holds up the end like all others', async () => {
  const { server, address, stop } = await listening()
  const answers = await Promise.all(
    dial(address.port, 32).map(async (client, index) => {
      client.end(`GET /${index} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
      let answer = ''
      client.setEncoding('latin1').on('data', (text) => {
        answer += text
      })
      await once(client, 'close')
      return answer.slice(answer.lastIndexOf('/'))
    }),
  )
  expect(answers).toEqual(Array.from({ length: 32 }, (_, index) => `/${index}`))
  const [last] = dial(address.port, 1) as [Socket]
  last.write('GET /wait HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(server, 'request')
  let closed = false
  await stop(() => {
    closed = true
  })
  await turn()
  expect(closed).toBe(false)
  last.destroy()
  await expect.poll(() => closed).toBe(true)
})

it('what waits in a queue is accepted before the port is closed', async () => {
  const { accepted, address, stop } = await listening()
  const waiting = dial(address.port, 200)
  await stop(() => {})
  expect(accepted).toHaveLength(200)
  const [refused] = dial(address.port, 1) as [Socket]
  await expect(once(refused, 'connect')).rejects.toThrow('ECONNREFUSED')
  expect(waiting.filter(({ destroyed }) => destroyed)).toEqual([])
})
