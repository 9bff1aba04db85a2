/** Slowloris: thousands of requests whose heads never end. */
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startGuarded } from './guards-support.ts'

const many = 5_000

// Tried again: the clients share the CPUs with what they measure, and with every other test that runs at the time.

it(`${many} half heads are gone after the deadline, and others are served as before meanwhile`, {
  timeout: 90_000,
  retry: 2,
}, async () => {
  const guarded = await startGuarded('limits: { headerTimeout: 4s }', (_request, response) => response.end('ok'))
  const sockets: Socket[] = []
  const durations: number[] = []
  const agent = new Agent({ keepAlive: true })
  let on = true
  const probing = (async () => {
    while (on) {
      const began = performance.now()
      expect(await ask(guarded.http, agent)).toBe(200)
      durations.push(performance.now() - began)
      await pause(50)
    }
  })()
  try {
    while (sockets.length < many) {
      const batch = Array.from({ length: 250 }, () => connect(guarded.http, '127.0.0.1'))
      sockets.push(...batch)
      await Promise.all(batch.map((socket) => once(socket, 'connect')))
      for (const socket of batch) socket.on('error', () => {}).write('GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: a')
    }
    const answers = await Promise.all(sockets.map(lastWords))
    expect(answers.filter((answer) => answer.startsWith('HTTP/1.1 408 '))).toHaveLength(many)
    on = false
    await probing
    expect(Math.max(...durations)).toBeLessThan(1_000)
    expect(durations.length).toBeGreaterThan(20)
  } finally {
    on = false
    for (const socket of sockets) socket.destroy()
    agent.destroy()
    await guarded.stop()
  }
  expect(guarded.gatehouse.lines.filter(({ status }) => status === 408)).toHaveLength(many)
})

async function ask(port: number, agent: Agent): Promise<number> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent, path: '/probe' }, resolve).on('error', reject)
  })
  answer.resume()
  await once(answer, 'end')
  return answer.statusCode ?? 0
}

function lastWords(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let said = ''
    socket.on('data', (bytes) => {
      said += bytes.toString('latin1')
    })
    socket.once('close', () => resolve(said))
  })
}
