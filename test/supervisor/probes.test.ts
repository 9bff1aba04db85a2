import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { LivenessProbe, ProbeCheck, ReadinessProbe } from '../../src/plan/model/plan.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { always, planFor, testSupervisor } from './test-supervisor.ts'

const quick = { every: 20, timeout: 500 }

function readyBy(check: ProbeCheck, more: Partial<ReadinessProbe> = {}): ReadinessProbe {
  return { ...check, ...quick, deadline: 10_000, ...more } as ReadinessProbe
}

/** The origin of an HTTP server of this test. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}

async function grpcServer(
  service: string,
  environment: Record<string, string> = {},
  more: Partial<ReadinessProbe> = {},
) {
  const [port = 0] = await freePorts(1)
  return testSupervisor([
    planFor('temporal', {
      program: 'grpc-health.js',
      environment: { ...environment, PORT: String(port) },
      ready: readyBy({ kind: 'grpc', port, service }, more),
      restart: always({ failures: 1 }),
    }),
  ])
}

describe('readiness by gRPC', () => {
  it('comes with SERVING; a refused connection and NOT_SERVING are not yet ready', async () => {
    const { supervisor, untilState } = await grpcServer('', { REFUSALS: '2' })
    supervisor.start()
    await untilState('temporal', 'running')
  })

  it('can be that of one service', async () => {
    const { supervisor, untilState } = await grpcServer('demo')
    supervisor.start()
    await untilState('temporal', 'running')
  })

  it('says what is wrong: an unknown service, one that does not serve', async () => {
    const unknown = await grpcServer('nothing-of-the-kind', {}, { deadline: 1_000 })
    unknown.supervisor.start()
    expect((await unknown.untilState('temporal', 'fatal')).reason).toContain('NOT_FOUND: no such service')
    const refusing = await grpcServer('', { REFUSALS: '1000000' }, { deadline: 1_000 })
    refusing.supervisor.start()
    expect((await refusing.untilState('temporal', 'fatal')).reason).toMatch(
      /gRPC health on port \d+ answered NOT_SERVING/,
    )
  })

  it.each([
    ['a server that speaks HTTP/1.1', 'HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n'],
    ['a server that closes at once', undefined],
  ])('is not that of %s, and the reason names the port', async (_, answer) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      if (answer === undefined) socket.destroy()
      else socket.end(answer)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    const ready = readyBy({ kind: 'grpc', port, service: '' }, { deadline: 300 })
    const { supervisor, untilState } = testSupervisor([planFor('a', { ready, restart: always({ failures: 1 }) })])
    supervisor.start()
    expect((await untilState('a', 'fatal')).reason).toMatch(new RegExp(`gRPC health on port ${port}\\W`))
  })
})

describe('readiness by file descriptor', () => {
  const notifying = (descriptor: number, words: readonly string[] = []) =>
    planFor('a', {
      program: 'notifies.js',
      words,
      environment: { NOTIFY: String(descriptor) },
      ready: readyBy({ kind: 'fd', descriptor }, { deadline: words.length > 0 ? 300 : 10_000 }),
      restart: always({ failures: 1 }),
    })

  it.each([3, 7])('comes with a newline on descriptor %d, and what follows it is read too', async (descriptor) => {
    const { supervisor, untilState, until, lines, logs } = testSupervisor([notifying(descriptor)])
    supervisor.start()
    expect(await untilState('a', 'running')).toMatchObject({ ready: true })
    await until(() => lines.some(({ text }) => text === 'said so'))
    expect(logs.filter(({ level }) => level === 'warn')).toEqual([])
  })

  it('can be written to by name, as scripts do', async () => {
    const ready = readyBy({ kind: 'fd', descriptor: 4 })
    const command = ['sh', '-c', 'echo up > /dev/fd/4; exec sleep 60']
    const { supervisor, untilState } = testSupervisor([planFor('a', { command, ready })])
    supervisor.start()
    expect(await untilState('a', 'running')).toMatchObject({ ready: true })
  })

  it('never comes once the descriptor is closed without a newline: said at once, and a crash at the deadline', async () => {
    const { supervisor, untilState, until, logs, status } = testSupervisor([notifying(3, ['--silent'])])
    supervisor.start()
    await until(() =>
      logs.some(
        ({ message }) => message === 'closed descriptor 3 without writing a newline, so it cannot become ready',
      ),
    )
    expect(status('a').state).toBe('starting')
    expect((await untilState('a', 'fatal')).reason).toContain('was not ready within 300ms')
  })
})

describe('the startup probe', () => {
  it('comes first: before it succeeds neither readiness nor liveness is asked for, and their time begins then', async () => {
    const asked: string[] = []
    let ready = false
    const origin = await serve(({ url = '' }, response) => {
      asked.push(url)
      const refusals = asked.filter((one) => one === '/startup').length < 15
      if (url === '/startup') response.writeHead(refusals ? 503 : 200).end()
      else response.writeHead(url === '/alive' || ready ? 200 : 503).end()
      ready ||= url === '/ready'
    })
    // Fifteen attempts take longer than the deadline of readiness.
    const { supervisor, until } = testSupervisor([
      planFor('a', {
        startup: { kind: 'http', url: `${origin}/startup`, ...quick, deadline: 10_000 },
        ready: readyBy({ kind: 'http', url: `${origin}/ready` }, { deadline: 250 }),
        alive: { kind: 'http', url: `${origin}/alive`, ...quick, failures: 1 },
        restart: always({ failures: 1 }),
      }),
    ])
    supervisor.start()
    await until(() => asked.includes('/ready'))
    const answers = new Promise<void>((resolve) => {
      const look = () => (asked.filter((one) => one === '/alive').length >= 2 ? resolve() : setTimeout(look, 5))
      look()
    })
    await answers
    const order = asked.filter((one, index) => one !== asked[index - 1])
    expect(order).toEqual(['/startup', '/ready', '/alive'])
    expect(asked.filter((one) => one === '/startup')).toHaveLength(15)
  })

  it('alone makes a service ready', async () => {
    const startup = { ...readyBy({ kind: 'log', pattern: '^up$' }) }
    const { supervisor, untilState, logs } = testSupervisor([planFor('a', { startup })])
    supervisor.start()
    expect(await untilState('a', 'running')).toMatchObject({ ready: true })
    expect(logs.map(({ message }) => message)).toEqual(['started', expect.stringMatching(/^ready after /)])
  })

  it('that does not succeed in time is a crash', async () => {
    const startup = { ...readyBy({ kind: 'log', pattern: 'never said' }, { deadline: 200 }) }
    const plan = planFor('a', {
      startup,
      ready: readyBy({ kind: 'log', pattern: '^up$' }),
      restart: always({ failures: 1 }),
    })
    const { supervisor, untilState } = testSupervisor([plan])
    supervisor.start()
    expect((await untilState('a', 'fatal')).reason).toContain('did not start up within 200ms')
  })

  it('does not miss what the program reports of its readiness meanwhile', async () => {
    let ups = 0
    const origin = await serve((_, response) => {
      ups += 1
      response.writeHead(ups < 5 ? 503 : 200).end()
    })
    const { supervisor, untilState, lines } = testSupervisor([
      planFor('a', {
        startup: { kind: 'http', url: origin, ...quick, deadline: 10_000 },
        ready: readyBy({ kind: 'log', pattern: '^up$' }, { deadline: 1_000 }),
        restart: always({ failures: 1 }),
      }),
    ])
    supervisor.start()
    expect(await untilState('a', 'running')).toMatchObject({ ready: true })
    expect(lines.map(({ text }) => text)).toEqual(['up'])
  })
})

describe('readiness with failures', () => {
  it('is lost after so many in a row, without a restart, and comes again with the next good answer', async () => {
    let status = 200
    const origin = await serve((_, response) => void response.writeHead(status).end())
    const ready = readyBy({ kind: 'http', url: origin }, { failures: 3 })
    const {
      supervisor,
      until,
      untilState,
      status: of,
      logs,
      story,
    } = testSupervisor([
      planFor('db', { ready }),
      planFor('late', { dependsOn: [{ process: 'db', condition: 'ready' }], kind: 'task', command: ['true'] }),
    ])
    supervisor.start()
    const { pid } = await untilState('db', 'running')
    status = 503
    await until(() => !of('db').ready)
    expect(of('db')).toMatchObject({
      state: 'running',
      pid,
      restarts: 0,
      reason: `failed its ready check 3 times: ${origin} answered 503`,
    })
    status = 200
    await until(() => of('db').ready)
    expect(of('db')).toMatchObject({ state: 'running', pid, restarts: 0 })
    expect(of('db').reason).toBeUndefined()
    const said = logs.filter(({ fields }) => fields.process === 'db').map(({ message }) => message)
    expect(said.slice(2)).toEqual([
      `no longer ready: failed its ready check 3 times: ${origin} answered 503`,
      'ready again',
    ])
    expect(story().filter((step) => step.startsWith('db:'))).toHaveLength(5)
  })

  it('is not asked for again without them: once ready, it stays so', async () => {
    const alive: LivenessProbe = { ...quick, kind: 'http', url: '', failures: 1 }
    const asked: string[] = []
    let enough = () => {}
    const tenTimes = new Promise<void>((resolve) => {
      enough = resolve
    })
    const origin = await serve(({ url = '' }, response) => {
      asked.push(url)
      if (asked.length > 10) enough()
      response.end()
    })
    const { supervisor } = testSupervisor([
      planFor('a', {
        ready: readyBy({ kind: 'http', url: `${origin}/ready` }),
        alive: { ...alive, kind: 'http', url: `${origin}/alive` },
      }),
    ])
    supervisor.start()
    await tenTimes
    expect(asked.filter((url) => url === '/ready')).toHaveLength(1)
  })
})
