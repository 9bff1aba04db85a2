/** Events over a real control socket, of a supervisor with real programs. */
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { startProcess } from '../../src/control/client/run.ts'
import type { ControlEvent } from '../../src/control/contract/events.ts'
import type { EventSource } from '../../src/control/control-source.ts'
import { never, planFor, type TestSupervisor, testSupervisor } from '../supervisor/test-supervisor.ts'
import { opened, sampleStatus, temporaryFolder } from './fixture.ts'

let socket: string
beforeEach(async () => {
  socket = join(await temporaryFolder(), 'gatehouse.sock')
})

interface Line {
  readonly type: string
  readonly [field: string]: unknown
}

interface Following {
  readonly response: IncomingMessage
  /** The next line; undefined at the end of the stream. */
  next(): Promise<Line | undefined>
}

async function follow(query = ''): Promise<Following> {
  const asking: ClientRequest = request({ socketPath: socket, path: `/v1/events${query}`, agent: false })
  onTestFinished(() => void asking.destroy())
  asking.end()
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  // Nothing is read before the first line is asked for.
  let lines: AsyncIterator<string> | undefined
  return {
    response,
    async next() {
      lines ??= createInterface({ input: response })[Symbol.asyncIterator]()
      const { value, done } = await lines.next()
      return done ? undefined : (JSON.parse(value) as Line)
    },
  }
}

async function openedFor({ supervisor }: TestSupervisor) {
  const status = () => ({ ...sampleStatus, processes: [...supervisor.status()] })
  return opened(socket, status, { events: supervisor, run: (name) => supervisor.run(name) })
}

/** Many events at once, as no supervisor has them. */
class Storm implements EventSource {
  lastEvent = 0
  readonly listeners = new Set<(event: ControlEvent) => void>()

  since() {
    return undefined
  }

  subscribe(listener: (event: ControlEvent) => void) {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  say(message: string): void {
    this.lastEvent += 1
    const event = { id: this.lastEvent, at: Date.now(), type: 'transition', process: 'web', message }
    for (const listener of [...this.listeners]) listener(event)
  }
}

describe('GET /v1/events', () => {
  it('begins with a snapshot, then sends every transition as it happens', async () => {
    const all = testSupervisor([planFor('web')])
    await openedFor(all)
    const client = await follow()
    expect(client.response.headers['content-type']).toBe('application/x-ndjson')
    const snapshot = await client.next()
    expect(snapshot).toMatchObject({ type: 'snapshot', processes: [{ name: 'web', state: 'stopped' }] })
    all.supervisor.start()
    const reported: (Line | undefined)[] = [await client.next(), await client.next(), await client.next()]
    expect(reported).toMatchObject([
      { type: 'transition', process: 'web', from: 'stopped', to: 'waiting', ready: false },
      { type: 'transition', process: 'web', to: 'starting', message: expect.stringMatching(/^started as pid \d+$/) },
      { type: 'transition', process: 'web', to: 'running', ready: true, message: 'is ready' },
    ])
    const ids = [snapshot, ...reported].map((line) => Number(line?.id))
    expect(ids).toEqual([0, 1, 2, 3].map((step) => (ids[0] ?? 0) + step))
  })

  it('resumes where a client left off, and begins with a snapshot for one that was away too long', async () => {
    const all = testSupervisor([planFor('web')])
    await openedFor(all)
    const [first] = [await (await follow()).next()]
    all.supervisor.start()
    await all.untilState('web', 'running')
    const again = await follow(`?since=${Number(first?.id) + 1}`)
    expect(await again.next()).toMatchObject({ type: 'transition', to: 'starting' })
    expect(await again.next()).toMatchObject({ type: 'transition', to: 'running' })
    const stranger = await follow('?since=12')
    expect(await stranger.next()).toMatchObject({ type: 'snapshot', processes: [{ name: 'web', state: 'running' }] })
    const wrong = await follow('?since=yesterday')
    expect(wrong.response.statusCode).toBe(400)
  })

  it('ends a client that does not read, says so, and buffers little for it', async () => {
    const storm = new Storm()
    await opened(socket, () => sampleStatus, { events: storm })
    const client = await follow()
    const brisk = await follow()
    await brisk.next()
    let said = 0
    while (storm.listeners.size === 2 && said < 10_000) {
      storm.say('x'.repeat(1_000))
      said += 1
      await brisk.next()
    }
    // What the kernel holds of it is beside what we do.
    expect(said).toBeLessThan(3_000)
    let last: Line | undefined
    for (let line = await client.next(); line; line = await client.next()) last = line
    expect(last).toEqual({ type: 'cut', message: 'events came faster than they were read; reconnect with `since`' })
    storm.say('after')
    expect(await brisk.next()).toMatchObject({ message: 'after' })
  })

  it('takes a few dozen clients, and the next ones again when some have gone', async () => {
    const storm = new Storm()
    await opened(socket, () => sampleStatus, { events: storm })
    const clients = await Promise.all(Array.from({ length: 32 }, () => follow()))
    expect((await follow()).response.statusCode).toBe(503)
    clients[0]?.response.destroy()
    while (storm.listeners.size === 32) await new Promise(setImmediate)
    expect((await follow()).response.statusCode).toBe(200)
  })

  it('says that it is over when gatehouse stops', async () => {
    const control = await opened(socket)
    const client = await follow()
    await client.next()
    const closed = control.close()
    expect(await client.next()).toEqual({ type: 'cut', message: 'gatehouse has stopped' })
    expect(await client.next()).toBeUndefined()
    await closed
  })

  it('sends nothing that the contract does not name', async () => {
    const storm = new Storm()
    await opened(socket, () => sampleStatus, { events: storm })
    const client = await follow()
    await client.next()
    for (const listener of storm.listeners) {
      const event = {
        id: 1,
        at: 1,
        type: 'new-kind',
        process: 'web',
        message: 'did',
        environment: { PASSWORD: 'hush' },
      }
      listener(event)
    }
    expect(await client.next()).toEqual({ id: 1, at: 1, type: 'new-kind', process: 'web', message: 'did' })
  })
})

describe('POST /v1/processes/NAME/start', () => {
  const schedule = { cron: '0 0 29 2 *' }
  const task = { kind: 'task', program: 'runs-a-while.js', restart: never, schedule } as const

  it('runs a task now and waits for its end if it is asked to', async () => {
    const all = testSupervisor([planFor('good', task), planFor('bad', { ...task, environment: { EXIT: '7' } })])
    await openedFor(all)
    all.supervisor.start()
    expect(await startProcess(socket, 'good', true)).toMatchObject({
      process: 'good',
      outcome: 'completed',
      exitCode: 0,
    })
    expect(await startProcess(socket, 'bad', true)).toMatchObject({ outcome: 'failed', exitCode: 7 })
    expect(await startProcess(socket, 'good', false)).toEqual({ process: 'good', outcome: 'started' })
    await all.untilState('good', 'exited')
  })

  it('refuses with words what cannot run', async () => {
    const all = testSupervisor([planFor('web'), planFor('long', { ...task, environment: { DELAY: '60000' } })])
    await openedFor(all)
    all.supervisor.start()
    expect(await startProcess(socket, 'long', false)).toMatchObject({ outcome: 'started' })
    expect(await startProcess(socket, 'long', false)).toMatchObject({ refused: 'busy' })
    expect(await startProcess(socket, 'web', true)).toMatchObject({ process: 'web', outcome: 'ready' })
    expect(await startProcess(socket, 'lomg', true)).toEqual({
      refused: 'unknown-process',
      message: 'there is no process lomg; did you mean long?',
    })
    expect(await startProcess(socket, 'a/b c?', true)).toMatchObject({ refused: 'unknown-process' })
  })

  it('answers who waits when the task is stopped', async () => {
    const all = testSupervisor([planFor('long', { ...task, environment: { DELAY: '60000' } })])
    const control = await openedFor(all)
    all.supervisor.start()
    const answer = startProcess(socket, 'long', true)
    await all.untilState('long', 'running')
    await all.supervisor.stop({ budget: 5_000 })
    await control.close()
    expect(await answer).toMatchObject({ outcome: 'stopped' })
  })
})
