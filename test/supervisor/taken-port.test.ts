/**
 * What goes wrong where somebody else listens on a process's own port, as the host's Redis does under `--network host`.
 */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import { takenPort } from '../../src/supervisor/listen-ports/taken-port.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { always, planFor, testSupervisor } from './test-supervisor.ts'

async function stranger(host: string, ipv6Only = false): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((_, response) => response.end('a stranger')).listen({ port: 0, host, ipv6Only })
  onTestFinished(() => void server.close().closeAllConnections())
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

function server(port: number, wanted: Partial<ProcessPlan> = {}): ProcessPlan {
  const probe = { kind: 'http', url: `http://127.0.0.1:${port}/`, every: 10, timeout: 1_000, deadline: 5_000 } as const
  const environment = { PORT: String(port), VERSION: 'its own' }
  return planFor('server', { program: 'answers.js', port, ready: probe, environment, ...wanted })
}

describe.skipIf(process.platform !== 'linux')('a port that somebody else has', () => {
  it('is no readiness: the program is not started, and its status names what has the port', async () => {
    const { server: other, port } = await stranger('127.0.0.1')
    const { supervisor, untilState, story, until, status } = testSupervisor([
      server(port, { restart: always({ failures: 100 }) }),
    ])
    supervisor.start()
    const { reason, ready, pid } = await untilState('server', 'backoff')
    expect(reason).toMatch(new RegExp(`^found its port ${port} taken by .+ \\(pid ${process.pid}\\)$`))
    expect({ ready, pid }).toEqual({ ready: false, pid: undefined })
    other.close()
    await until(() => status('server').ready)
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('its own')
    expect(story().filter((step) => step === 'server:starting')).toHaveLength(1)
  })

  it('is given up on, and does not lead to starts without end', async () => {
    const { port } = await stranger('127.0.0.1')
    const { supervisor, untilState } = testSupervisor([server(port, { restart: always({ failures: 3 }) })])
    supervisor.start()
    const { reason } = await untilState('server', 'fatal')
    expect(reason).toMatch(/^it failed 3 times within 1m; the last time it found its port \d+ taken by /)
  })

  const ipv6 = existsSync('/proc/net/tcp6') ? ['::', '::ffff:127.0.0.1'] : []

  it.each(['0.0.0.0', ...ipv6])('is found on %s, too', async (host) => {
    const { port } = await stranger(host)
    expect((await takenPort(port))?.reason).toContain(`pid ${process.pid}`)
  })

  it.skipIf(ipv6.length === 0)('is not one that a stranger has for IPv6 alone', async () => {
    const { port } = await stranger('::', true)
    expect(await takenPort(port)).toBeUndefined()
  })

  it('is not one that is free, or used only on an address that 127.0.0.1 does not reach', async () => {
    const { port } = await stranger('127.0.0.2')
    const [free = 0] = await freePorts(1)
    expect(await takenPort(port)).toBeUndefined()
    expect(await takenPort(free)).toBeUndefined()
  })
})
