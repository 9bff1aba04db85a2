/** Hooks with real commands and real HTTP servers, called on the events of real processes. */
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import type { HookEvent, HookPlan } from '../../src/plan/model/hooks.ts'
import type { SupervisorEvent, TransitionEvent } from '../../src/supervisor/events/events.ts'
import { hookEventsOf } from '../../src/supervisor/hooks/hook-events.ts'
import { Hooks } from '../../src/supervisor/hooks/hooks.ts'
import { refusingPort } from '../support/refusing-port.ts'
import { always, type LogEntry, planFor, survivors, testSupervisor, untilNoSurvivors } from './test-supervisor.ts'

const program = join(import.meta.dirname, '../fixtures/programs/hook.js')
const { environment, directory } = planFor('any')

interface Belfry {
  readonly hooks: Hooks
  readonly said: readonly string[]
  readonly logs: readonly LogEntry[]
  until<T>(check: () => T | false | undefined): Promise<T>
}

const open = new Set<Hooks>()
const servers = new Set<Server>()

afterEach(async () => {
  for (const hooks of open) await hooks.close(0)
  open.clear()
  for (const server of servers) server.close().closeAllConnections()
  servers.clear()
  await untilNoSurvivors()
})

/** Hooks, with all that they say. */
function hooksFor(plans: readonly Partial<HookPlan>[]): Belfry {
  const said: string[] = []
  const logs: LogEntry[] = []
  const waiting = new Set<() => void>()
  const look = () => {
    for (const check of [...waiting]) check()
  }
  const log =
    (level: LogEntry['level']) =>
    (message: string, fields: LogEntry['fields'] = {}) => {
      logs.push({ level, message, fields })
      look()
    }
  const hooks = new Hooks({
    output: {
      record(process, _, text) {
        said.push(`${process}: ${text}`)
        look()
      },
    },
    log: { info: log('info'), warn: log('warn'), error: log('error') },
  })
  hooks.apply(plans.map((plan) => ({ ...running(), on: ['fatal'], timeout: 10_000, position, ...plan })))
  open.add(hooks)
  return {
    hooks,
    said,
    logs,
    until: <T>(check: () => T | false | undefined) =>
      new Promise<T>((resolve, reject) => {
        const late = setTimeout(
          () => reject(new Error(`not within 15 s: ${said.join('; ')} ${JSON.stringify(logs)}`)),
          15_000,
        )
        const test = () => {
          const found = check()
          if (!found) return
          clearTimeout(late)
          waiting.delete(test)
          resolve(found)
        }
        waiting.add(test)
        test()
      }),
  }
}

const position = { file: 'test.yaml', line: 7, column: 1 }

function running(more: Record<string, string> = {}): Pick<HookPlan, 'call'> {
  const command = [process.execPath, program]
  return { call: { kind: 'run', command, directory, environment: { ...environment, ...more } } }
}

function event(id: number, to: TransitionEvent['to'] = 'fatal'): SupervisorEvent {
  const facts = { from: 'stopping', wasReady: false, ready: false, failed: true, reason: 'it failed' } as const
  return { id, at: Date.now(), type: 'transition', process: `p${id}`, message: 'is fatal: it failed', to, ...facts }
}

async function serverThat(answers: (response: ServerResponse, body: unknown, count: number) => void) {
  const bodies: unknown[] = []
  const server = createServer(async (request, response) => {
    const body = await json(request)
    bodies.push(body)
    answers(response, body, bodies.length)
  })
  servers.add(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { bodies, origin: `http://127.0.0.1:${port}` }
}

function posting(url: string): Pick<HookPlan, 'call'> {
  return { call: { kind: 'post', url } }
}

describe('a hook that runs a command', () => {
  it('hears of what it waits for, of the processes it names, with the event in its environment', async () => {
    const { supervisor, untilState } = testSupervisor([
      planFor('core', { program: 'crashes-on-boot.js', restart: always({ failures: 2 }) }),
      planFor('other', { program: 'crashes-on-boot.js', restart: always({ failures: 1 }) }),
    ])
    const { hooks, said, until } = hooksFor([{ on: ['fatal', 'backoff'], processes: ['core'] }])
    supervisor.subscribe((happened) => hooks.handle(happened))
    supervisor.start()
    await untilState('core', 'fatal')
    await untilState('other', 'fatal')
    await until(() => said.length === 2)
    expect(said).toEqual(['hook: core backoff number', 'hook: core fatal number'])
  })

  it('that fails is named once', async () => {
    const { hooks, logs, said, until } = hooksFor([{ ...running({ EXIT: '3' }) }])
    for (const id of [1, 2, 3]) hooks.handle(event(id))
    await until(() => said.length === 3)
    await hooks.close(5_000)
    const words = logs.map(({ message }) => message)
    expect(words).toEqual([
      `hook ${process.execPath} (line 7): exited with code 3; further failures are not logged until it works again`,
    ])
  })

  it('that does not end is ended with its group when its time is over', async () => {
    const { hooks, logs, said, until } = hooksFor([{ ...running({ STAY: '1' }), timeout: 500 }])
    hooks.handle(event(1))
    await until(() => said.includes('hook: will not end'))
    await until(() => logs.find(({ message }) => message.includes('timed out after 500ms')))
    expect(survivors()).toEqual([])
  })

  it('that cannot be run says why', async () => {
    const call = { kind: 'run', command: ['/no/such/hook'], directory, environment } as const
    const { hooks, logs, until } = hooksFor([{ call }])
    hooks.handle(event(1))
    const { message } = await until(() => logs[0])
    expect(message).toContain('/no/such/hook (line 7): command: ')
  })

  it('blocks nothing: one call at a time for each hook, in order, a few at a time in all', async () => {
    const slow = { ...running({ DELAY: '200' }) }
    const { hooks, said, until } = hooksFor([slow, slow, slow, slow, slow, slow])
    const before = performance.now()
    for (const id of [1, 2]) hooks.handle(event(id))
    expect(performance.now() - before).toBeLessThan(12 * 200) // what the calls themselves take
    let most = 0
    await until(() => {
      most = Math.max(most, survivors().length)
      return said.length === 12
    })
    expect(most).toBeLessThanOrEqual(4)
    expect(said.filter((line) => line.startsWith('hook: p1'))).toHaveLength(6)
  })

  it('of which too many wait is skipped, which is logged when it begins and when it is over', async () => {
    const { hooks, logs, said, until } = hooksFor([{ ...running() }])
    for (let id = 1; id <= 203; id += 1) hooks.handle(event(id))
    expect(logs.map(({ message }) => message)).toEqual(['hooks cannot keep up with events; dropping some calls'])
    await hooks.close(0)
    const [, given] = logs.map(({ message }) => message)
    expect(given).toBe('gave up 201 hook calls not done in time')
    expect(said.length).toBeLessThanOrEqual(1)
    await until(() => survivors().length === 0)
  })
})

describe('a hook that calls a URL', () => {
  it('sends the event as JSON, with a sentence for people', async () => {
    const { bodies, origin } = await serverThat((response) => response.writeHead(204).end())
    const { hooks, logs } = hooksFor([posting(`${origin}/hook?token=secret`)])
    hooks.handle(event(1))
    await hooks.close(5_000)
    expect(bodies).toEqual([
      expect.objectContaining({
        ...event(1),
        at: expect.any(Number),
        text: 'p1 is fatal: it failed',
        host: expect.any(String),
      }),
    ])
    expect(logs).toEqual([])
  })

  it('that works again says so', async () => {
    const { origin } = await serverThat((response, _, count) => response.writeHead(count < 3 ? 404 : 200).end())
    const { hooks, logs } = hooksFor([posting(origin)])
    for (const id of [1, 2, 3, 4]) hooks.handle(event(id))
    await hooks.close(5_000)
    expect(logs.map(({ level, message }) => [level, message])).toEqual([
      ['warn', `hook ${origin} (line 7): answered 404; further failures are not logged until it works again`],
      ['info', `hook ${origin} (line 7) works again`],
    ])
  })

  it('tries again what may end better, a few times', async () => {
    const { bodies, origin } = await serverThat((response, _, count) => {
      response.writeHead(count === 1 ? 503 : 200).end()
    })
    const { hooks, logs } = hooksFor([posting(origin)])
    hooks.handle(event(1))
    await hooks.close(10_000)
    expect(bodies).toHaveLength(2)
    expect(logs).toEqual([])
  })

  it.each([
    [404, 'answered 404'],
    [302, 'answered 302, and redirects are not followed'],
  ])('does not try %i again, follows nothing, and keeps the URL to itself', async (status, words) => {
    const { bodies, origin } = await serverThat((response) => {
      response.writeHead(status, { location: 'http://127.0.0.1:1/elsewhere' }).end()
    })
    const { hooks, logs } = hooksFor([posting(`${origin}/path-secret?token=secret`)])
    hooks.handle(event(1))
    await hooks.close(5_000)
    expect(bodies).toHaveLength(1)
    expect(logs.map(({ message }) => message)).toEqual([
      `hook ${origin} (line 7): ${words}; further failures are not logged until it works again`,
    ])
    expect(JSON.stringify(logs)).not.toContain('secret')
  })

  it('gives up on a server that refuses or does not answer in time', async () => {
    const { origin } = await serverThat(() => {})
    const dead = `127.0.0.1:${await refusingPort()}`
    const refused = hooksFor([posting(`http://${dead}/secret`)])
    const silent = hooksFor([{ ...posting(origin), timeout: 200 }])
    for (const { hooks } of [refused, silent]) hooks.handle(event(1))
    const no = await refused.until(() => refused.logs[0])
    expect(no.message).toContain(`hook http://${dead} (line 7): connect ECONNREFUSED ${dead}; `)
    const late = await silent.until(() => silent.logs[0])
    expect(late.message).toContain('did not answer within 200ms')
  })

  it('is not waited for longer than a shutdown can', async () => {
    const { origin } = await serverThat(() => {})
    const { hooks, logs } = hooksFor([posting(origin)])
    hooks.handle(event(1))
    const before = performance.now()
    await hooks.close(100)
    expect(performance.now() - before).toBeLessThan(2_000)
    expect(logs[0]?.message).toBe('gave up 1 hook call not done in time')
  })
})

describe('a transition', () => {
  const cases: readonly (readonly [Partial<TransitionEvent>, readonly HookEvent[]])[] = [
    [{ from: 'starting', to: 'running', ready: true }, ['running', 'ready']],
    [{ from: 'starting', to: 'running' }, ['running']],
    [{ from: 'running', to: 'running', ready: true }, ['ready']],
    [{ from: 'running', to: 'stopping', wasReady: true }, ['stopping', 'unready']],
    [{ from: 'stopping', to: 'exited', ready: true }, ['exited', 'ready', 'completed']],
    [{ from: 'stopping', to: 'exited', failed: true }, ['exited', 'failed']],
    [{ from: 'stopping', to: 'fatal', failed: true }, ['fatal', 'failed']],
    [{ from: 'stopping', to: 'backoff' }, ['backoff']],
  ]

  it.each(cases)('%o is %o', (facts, hookEvents) => {
    const still = { ...event(1), wasReady: false, ready: false, failed: false } as TransitionEvent
    expect(hookEventsOf({ ...still, ...facts })).toEqual(hookEvents)
  })
})
