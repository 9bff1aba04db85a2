import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import { SparePorts } from '../../src/supervisor/listen-ports/spare-ports.ts'
import { planFor, testSupervisor } from './test-supervisor.ts'

const timing = { every: 20, timeout: 1_000, deadline: 10_000 }
const onItsPort = { kind: 'http', url: 'http://127.0.0.1:{port}/', ...timing } as const

/** A server on a port that is chosen for it: 0 in a plan. */
function server(name: string, more: Partial<ProcessPlan> = {}): ProcessPlan {
  return planFor(name, {
    program: 'slow-ready.js',
    port: 0,
    ...more,
    environment: { PORT: '{port}', REFUSALS: '0', ...more.environment },
  })
}

describe('a process with `port: auto`', () => {
  it('gets a port of its own beside another one of the same program', async () => {
    const { supervisor, untilState, lines } = testSupervisor([
      server('one', { ready: onItsPort }),
      server('two', { ready: onItsPort }),
    ])
    supervisor.start()
    const [one, two] = [await untilState('one', 'running'), await untilState('two', 'running')]
    expect(one.port).toBeGreaterThan(0)
    expect(one.port).not.toBe(two.port)
    for (const { name, port, pid } of [one, two]) {
      expect(lines).toContainEqual({ process: name, stream: 'stdout', text: `listening on ${port}` })
      expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe(String(pid))
    }
  })

  it('gets another port when it is started again, and its probe follows', async () => {
    const { supervisor, untilState, until, status } = testSupervisor([server('api', { ready: onItsPort })])
    supervisor.start()
    const before = await untilState('api', 'running')
    process.kill(before.pid ?? 0, 'SIGKILL')
    const after = await until(() => status('api').ready && status('api').pid !== before.pid && status('api'))
    expect(after.port).not.toBe(before.port)
    expect(await (await fetch(`http://127.0.0.1:${after.port}/`)).text()).toBe(String(after.pid))
  })

  it('finds `{port}` in its command, and its own port in tcp and exec probes', async () => {
    const asks = "fetch('http://127.0.0.1:{port}/').then(({ status }) => process.exit(status === 200 ? 0 : 1))"
    const { supervisor, untilState, lines } = testSupervisor([
      server('by-tcp', { ready: { kind: 'tcp', host: '127.0.0.1', port: 0, ...timing } }),
      server('by-exec', { ready: { kind: 'exec', command: [process.execPath, '-e', asks], ...timing } }),
      planFor('said', {
        port: 0,
        command: [process.execPath, '-e', "console.log('on {port}'); setInterval(() => {}, 9e4)"],
      }),
    ])
    supervisor.start()
    for (const name of ['by-tcp', 'by-exec', 'said']) expect((await untilState(name, 'running')).ready).toBe(true)
    const { port } = await untilState('said', 'running')
    await expect.poll(() => lines.map(({ text }) => text)).toContain(`on ${port}`)
  })

  it('shows no port while it has no process', async () => {
    const { supervisor, status, untilState } = testSupervisor([server('api', { ready: onItsPort })])
    supervisor.start()
    await untilState('api', 'running')
    await supervisor.stop({ budget: 10_000 })
    expect(status('api')).not.toHaveProperty('port')
  })

  it('is not started by a stop that came while its port was looked for', async () => {
    const { supervisor, status, story } = testSupervisor([server('api')])
    supervisor.start()
    await supervisor.stop({ budget: 10_000 })
    const last = createServer().listen(0, '127.0.0.1') // behind the look for a port, which listens as well
    await once(last, 'listening')
    last.close()
    expect(status('api')).not.toHaveProperty('pid')
    expect(story()).toEqual(['api:waiting', 'api:stopped'])
  })
})

describe('spare ports', () => {
  it('are never those of others, nor given twice', async () => {
    const reserved = new Set<number>()
    const spare = new SparePorts(() => reserved)
    const probe = new SparePorts(() => [])
    for (let round = 0; round < 50; round += 1) reserved.add(await probe.take())
    const given: number[] = []
    for (let round = 0; round < 200; round += 1) given.push(await spare.take())
    expect(new Set(given).size).toBe(200)
    expect(given.filter((port) => reserved.has(port))).toEqual([])
  })

  it('are refused with a reason when everything is taken', async () => {
    const everything = Array.from({ length: 65_536 }, (_, port) => port)
    await expect(new SparePorts(() => everything).take()).rejects.toThrow('no free port is left')
  })
})
