/** Programs that go to the background, real ones among them: reported at once, and not left behind. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { kernelProcess } from '../../src/supervisor/group/process-table.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { part } from '../parts.ts'
import { always, never, planFor, testSupervisor, transitions } from './test-supervisor.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-daemons-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A name of its own: these supervisors know what is theirs by it alone, and other files run at the same time. */
const web = `web-${process.pid}`

type PlanOptions = Parameters<typeof planFor>[1]

/** Starts it and waits until it was given up; what it left is then gone, and its port free. */
async function givenUp(options: PlanOptions): Promise<string> {
  const one = testSupervisor([planFor(web, { restart: always({ next: 10 }), ...options })])
  one.supervisor.start()
  const { reason = '', restarts } = await one.untilState(web, 'fatal')
  expect(restarts).toBe(0)
  expect(transitions(one.events).filter(({ to }) => to === 'starting')).toHaveLength(1)
  const pid = Number(/pid (\d+)/.exec(reason)?.[1])
  // Where PID 1 does not reap orphans, it stays as a zombie. It may be one that its own group ends, as nginx's master
  // does its workers.
  await expect.poll(() => kernelProcess(pid)?.state ?? 'gone', { timeout: 10_000 }).toMatch(/^(Z|X|gone)$/)
  return reason
}

/** What a test itself has left in the background. */
async function ended(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL')
  await expect.poll(() => ['Z', 'X', undefined].includes(kernelProcess(pid)?.state)).toBe(true)
}

const serves = (port: number) =>
  ({ port, ready: { kind: 'tcp', host: '127.0.0.1', port, every: 20, timeout: 1_000, deadline: 60_000 } }) as const

describe('a program that goes to the background', () => {
  it.skipIf(!part('redis-server'))('is given up at once, and reported: redis-server --daemonize yes', async () => {
    const [port = 0] = await freePorts(1)
    const command = ['redis-server', '--port', String(port), '--daemonize', 'yes', '--save', '', '--dir', folder]
    const redis = { command, directory: folder, environment: { PATH: process.env.PATH ?? '' } }
    expect(await givenUp({ ...redis, ...serves(port) })).toMatch(
      /^went to the background \(redis-server, pid \d+\), where it cannot be supervised, and was stopped; run it in the foreground with `--daemonize no`$/,
    )
    // Without a port or a probe of ours, and through a shell.
    const shell = { ...redis, command: ['/bin/sh', '-c', `${command.map((word) => `'${word}'`).join(' ')}; exit 0`] }
    expect(await givenUp(shell)).toMatch(/^went to the background \(redis-server, pid/)
  })

  it.skipIf(!part('nginx'))('is given up at once, and reported: nginx without `daemon off`', async () => {
    const [port = 0] = await freePorts(1)
    const place = join(folder, 'nginx')
    mkdirSync(place, { recursive: true })
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${place}/${kind};`,
    )
    const http = `http { access_log off; ${temporary.join(' ')} server { listen 127.0.0.1:${port}; } }`
    writeFileSync(join(place, 'nginx.conf'), `pid ${place}/pid; error_log ${place}/error.log;\nevents {}\n${http}\n`)
    const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
    const command = ['nginx', '-c', join(place, 'nginx.conf')]
    expect(await givenUp({ command, environment, ...serves(port) })).toMatch(
      /^went to the background \(nginx, pid \d+\).* with `-g "daemon off;"`$/,
    )
  })

  it('is given up at once, and reported: a double fork with a session of its own, whatever the policy', async () => {
    const command = ['/bin/sh', '-c', 'setsid sh -c "sleep 600 & sleep 600" > /dev/null 2>&1 < /dev/null & sleep 0.05']
    for (const restart of [always({ next: 10 }), never])
      expect(await givenUp({ command, restart })).toMatch(/^went to the background \(sh, pid \d+\).*`--foreground`/)
  })

  it('ends the run if it is essential', async () => {
    const command = ['/bin/sh', '-c', 'setsid sleep 600 > /dev/null 2>&1 & sleep 0.05']
    const one = testSupervisor([planFor(web, { command, essential: true })])
    one.supervisor.start()
    await one.until(() => one.events.some((event) => event.type === 'essential-failed' && event.exitCode === 1))
  })

  it('ignores the stop signal and is ended all the same', async () => {
    const command = [
      '/bin/sh',
      '-c',
      `setsid sh -c "trap '' TERM; while :; do sleep 0.05; done" > /dev/null 2>&1 & sleep 0.1`,
    ]
    expect(await givenUp({ command, stop: { signal: 'SIGTERM', grace: 100 } })).toMatch(/^went to the background/)
  })

  it('of a task is only reported: it has completed', async () => {
    const command = ['/bin/sh', '-c', 'setsid sleep 600 > /dev/null 2>&1 & echo $! && sleep 0.05']
    const one = testSupervisor([planFor('job', { kind: 'task', restart: never, command })])
    one.supervisor.start()
    await one.untilState('job', 'exited')
    const left = () =>
      one.logs.find(({ message }) => /^left sleep \(pid \d+\) running in the background, unsupervised$/.test(message))
    await one.until(() => left() !== undefined)
    await ended(Number(one.lines[0]?.text))
  })

  it.skipIf(!part('redis-server'))(
    'is not the redis-server of another process, which has no environment either',
    async () => {
      const [first = 0, second = 0] = await freePorts(2)
      const redis = (port: number) => ({
        command: ['redis-server', '--port', String(port), '--save', '', '--dir', folder],
        directory: folder,
        environment: { PATH: process.env.PATH ?? '' },
        ...serves(port),
      })
      const one = testSupervisor([
        planFor('cache', { ...redis(first), restart: never }),
        planFor('sessions', { ...redis(second), restart: never }),
      ])
      one.supervisor.start()
      const { pid: sessions } = await one.untilState('sessions', 'running')
      const { pid: cache = 0 } = await one.untilState('cache', 'running')
      process.kill(cache, 'SIGTERM')
      expect((await one.untilState('cache', 'exited')).reason).toMatch(/^exited with code 0/)
      expect(one.status('sessions')).toMatchObject({ state: 'running', pid: sessions })
    },
  )

  it('is not a helper that is about to end', async () => {
    const command = ['/bin/sh', '-c', 'setsid sleep 0.4 > /dev/null 2>&1 & sleep 0.05']
    const one = testSupervisor([
      planFor(web, { command, restart: never }),
      planFor('job', { kind: 'task', command, restart: never }),
    ])
    one.supervisor.start()
    for (const name of [web, 'job']) expect((await one.untilState(name, 'exited')).reason).not.toMatch(/background/)
  })

  it('is none if it ends by itself as others do, or was left by another process', async () => {
    const daemon = {
      kind: 'task',
      restart: never,
      command: ['/bin/sh', '-c', 'setsid sleep 600 > /dev/null 2>&1 & echo $!'],
    } as const
    const one = testSupervisor([
      planFor('other', daemon),
      planFor(web, { command: ['/bin/true'], restart: always({ failures: 2, next: 10 }) }),
    ])
    one.supervisor.start()
    const { reason } = await one.untilState(web, 'fatal')
    expect(reason).toMatch(/^it failed 2 times within 1m; the last time it exited with code 0/)
    await one.untilState('other', 'exited')
    await ended(Number(one.lines.find(({ process: name }) => name === 'other')?.text))
  })
})
