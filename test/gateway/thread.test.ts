import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import type { FromThread, ToThread } from '../../src/gateway/messages.ts'
import { ask, h2Session, rawSocket, readUntil } from './clients.ts'
import { certificate, cleanUp, freePort, listener, planOf, proxyTo, type RunningGateway, whenOver } from './support.ts'
import { upstream } from './upstreams.ts'

afterEach(cleanUp)

type LogLine = Readonly<Record<string, unknown>>

/** In a process of its own, because a thread's log goes to the stdout of its process. */
function startThread() {
  const child = fork(fileURLToPath(new URL('thread-parent.ts', import.meta.url)), {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  whenOver(() => child.kill('SIGKILL'))
  const lines: LogLine[] = []
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const whole = (rest + chunk).split('\n')
    rest = whole.pop() ?? ''
    lines.push(...whole.map((line) => JSON.parse(line) as LogLine))
    child.emit('logged')
  })
  return {
    lines,
    say: (message: ToThread) => void child.send(message),
    async receive(): Promise<FromThread> {
      const [message] = (await once(child, 'message')) as [FromThread]
      return message
    },
    async logged(wanted: (line: LogLine) => boolean): Promise<LogLine> {
      for (let found = lines.find(wanted); ; found = lines.find(wanted)) {
        if (found) return found
        await once(child, 'logged')
      }
    },
    closed: once(child, 'close'),
  }
}

describe('a gateway thread', () => {
  it('applies a plan, serves, logs, hears of targets and certificates, drains and ends', async () => {
    const behind = await upstream((_request, response) => response.end('served'))
    const [http, https] = await Promise.all([freePort(), freePort()])
    const thread = startThread()
    const listeners = [listener('http', http), listener('https', https, true)]
    const plan = {
      ...planOf({ routes: [proxyTo(behind.port, { process: 'backend' })] }, listeners),
      accessLog: { skip: ['/skipped/*'] },
    }
    const clients = { http, https } as RunningGateway

    thread.say({ type: 'apply', id: 7, plan, certificates: [certificate] })
    expect(await thread.receive()).toEqual({ type: 'applied', id: 7 })
    expect((await ask(clients, 'h1')).status).toBe(503)
    thread.say({ type: 'targets', targets: { backend: { ready: true, phase: 'running' } } })
    while ((await ask(clients, 'h2', { path: '/skipped/a' })).status === 503);
    expect(await ask(clients, 'h2', { path: '/logged?token=1' })).toMatchObject({ status: 200, body: 'served' })
    const line = await thread.logged(({ path }) => path === '/logged')
    const request = { method: 'GET', status: 200, protocol: 'h2', tls: true, client: '127.0.0.1', route: 'route 0' }
    expect(line).toMatchObject({ ...request, process: 'gateway', level: 'info', message: 'request' })
    expect(new Date(String(line.time)).toISOString()).toBe(line.time)

    thread.say({ type: 'certificates', certificates: [{ ...certificate, key: 'broken' }] })
    const logged = await thread.logged(({ level }) => level === 'error')
    expect(logged).toMatchObject({
      process: 'gateway',
      message: expect.stringMatching(/^cannot serve the new certificates/),
    })
    expect((await ask(clients, 'h1s')).status).toBe(200)

    const taken = await takenPort()
    const options = { ...plan, listeners: [listener('http', taken)] }
    thread.say({ type: 'apply', id: 8, plan: options, certificates: [certificate] })
    expect(await thread.receive()).toMatchObject({
      type: 'applied',
      id: 8,
      error: expect.stringContaining(`:${taken}`),
    })
    expect((await ask(clients, 'h1s')).status).toBe(200)

    const kept = rawSocket(http)
    kept.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await readUntil(kept, 'served')
    h2Session(clients)
    thread.say({ type: 'drain', budget: 5_000 })
    expect(await thread.receive()).toEqual({ type: 'drained', cut: 0 })
    expect((await thread.closed)[0]).toBe(0)
    const log = JSON.stringify(thread.lines)
    expect(log).not.toMatch(/token|skipped|PRIVATE KEY/)
  })
})

async function takenPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  whenOver(() => new Promise((resolve) => server.close(resolve)))
  return (server.address() as AddressInfo).port
}
