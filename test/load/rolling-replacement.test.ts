/**
 * Sidecars behind a load balancer, each on a machine of its own, as config/sidecar.yaml has them in Kubernetes: a user without
 * capabilities, an unprivileged port, one volume for both. HAProxy asks /readyz and tries nothing twice, so that no failure is hidden.
 *
 *   visitors 203.0.113.9 ── 203.0.113.1 balancer 10.77.1.1 ── 10.77.1.2 a (sidecar, upstream)
 *                                                10.77.2.1 ── 10.77.2.2 b (the same)
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Report } from '../e2e/programs/visitors.ts'
import { binary, type Gatehouse, projectFolder, startGatehouse } from '../e2e/support/gatehouse.ts'
import { type Balancer, startBalancer } from '../e2e/support/haproxy.ts'
import { connect, endsWithUs, type Machine, noNetwork, openMachine } from '../e2e/support/network.ts'
import { part } from '../parts.ts'
import { unusedId } from '../support/unused-id.ts'

const haproxy = part('haproxy')
const user = await unusedId()
const visitor = '203.0.113.9'
const forged = '198.51.100.7' // in X-Forwarded-For, by visitors.ts
const programs = join(projectFolder, 'test/e2e/programs')
const names = ['a', 'b'] as const
type Name = (typeof names)[number]

const cannot = haproxy === undefined ? 'haproxy is missing' : noNetwork()
if (cannot !== undefined) console.log(`the rolling replacement is not tested: ${cannot}`)

let folder = ''
let balancer: Balancer
let visitors: Interface
const machines: Machine[] = []
const children: ChildProcess[] = []
const homes = {} as Record<Name, Machine>
const sidecars = {} as Record<Name, Gatehouse>
const all: Gatehouse[] = []

/** Everything of the sidecar lies where its user may read it, which a checkout below /root is not. */
function lay(): void {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-balanced-'))
  chmodSync(folder, 0o755)
  copyFileSync(String(binary[0]), join(folder, 'gatehouse'))
  copyFileSync(join(projectFolder, 'config/sidecar.yaml'), join(folder, 'gatehouse.yaml'))
  mkdirSync(join(folder, 'editor/static/js'), { recursive: true })
  writeFileSync(join(folder, 'editor/index.html'), '<title>app</title>')
  writeFileSync(join(folder, 'editor/404.html'), '<title>lost</title>')
  writeFileSync(join(folder, 'editor/static/js/main.1a2b.js'), 'console.log(1)\n')
  writeFileSync(join(folder, 'info.json'), '{"version":"v1"}')
  mkdirSync(join(folder, 'stacks'))
  chownSync(join(folder, 'stacks'), user, user)
}

async function openMachines(): Promise<{ world: Machine; middle: Machine }> {
  const opened = await Promise.all([openMachine(), openMachine(), openMachine(), openMachine()])
  machines.push(...opened)
  const [world, middle, a, b] = opened
  connect({ machine: world, address: `${visitor}/24` }, { machine: middle, address: '203.0.113.1/24' })
  connect({ machine: middle, address: '10.77.1.1/24' }, { machine: a, address: '10.77.1.2/24' })
  connect({ machine: middle, address: '10.77.2.1/24' }, { machine: b, address: '10.77.2.2/24' })
  Object.assign(homes, { a, b })
  return { world, middle }
}

function run(machine: Machine, words: readonly string[], env: Readonly<Record<string, string>> = {}): Interface {
  const [command = '', ...rest] = machine.inside(...endsWithUs, process.execPath, ...words)
  const child = spawn(command, rest, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  return createInterface({ input: child.stdout })
}

function lineOf(lines: Interface, text: string): Promise<void> {
  return new Promise((resolve) => lines.on('line', (line) => line === text && resolve()))
}

async function startSidecar(name: Name, delay = '4s'): Promise<Gatehouse> {
  const rights = [`--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--bounding-set=-all', '--inh-caps=-all']
  const sidecar = startGatehouse({
    command: homes[name].inside('setpriv', ...rights, '--no-new-privs', join(folder, 'gatehouse')),
    file: join(folder, 'gatehouse.yaml'),
    env: {
      GATEHOUSE_THREADS: '2',
      GATEHOUSE_DEREGISTRATION_DELAY: delay,
      GATEHOUSE_EDITOR: join(folder, 'editor'),
      GATEHOUSE_INFO: join(folder, 'info.json'),
      GATEHOUSE_STACKS: join(folder, 'stacks'),
      GATEHOUSE_STORAGE: join(folder, 'stacks/gatehouse'),
      GATEHOUSE_SOCKET: join(folder, `stacks/${name}.sock`),
      GATEHOUSE_RTS_URL: 'http://127.0.0.1:8080',
      APPSMITH_RATE_LIMIT: 'disabled', // all visitors share one address
      HOSTNAME: name,
    },
  })
  all.push(sidecar)
  sidecars[name] = sidecar
  await sidecar.ready()
  return sidecar
}

/** What the visitors saw since they were last asked. */
async function report(): Promise<Report> {
  const [line] = await Promise.all([once(visitors, 'line'), children.at(-1)?.stdin?.write('report\n')])
  return JSON.parse(String(line)) as Report
}

function sumOf(numbers: Readonly<Record<string, number>>): number {
  return Object.values(numbers).reduce((sum, one) => sum + one, 0)
}

/** The harder way to roll, as with `maxSurge: 0`: one goes, the other has all the load, then a successor comes and is believed. */
async function replace(name: Name, delay?: string): Promise<void> {
  const before = sidecars[name]
  const after = balancer.said
  before.signal('SIGTERM')
  await balancer.becomes(name, 'DOWN', after)
  expect(await before.exit).toEqual({ code: 0, signal: null })
  await startSidecar(name, delay)
  await balancer.becomes(name, 'UP', after)
}

describe.skipIf(cannot !== undefined)('two sidecars behind a load balancer', () => {
  beforeAll(async () => {
    lay()
    const { world, middle } = await openMachines()
    const upstreams = names.map((name) =>
      run(homes[name], [join(programs, 'upstream.js')], { PORT: '8080', NAME: name }),
    )
    await Promise.all(upstreams.map((lines, at) => lineOf(lines, `${names[at]} listens`)))
    await Promise.all(names.map((name) => startSidecar(name)))
    balancer = await startBalancer({
      machine: middle,
      program: String(haproxy),
      folder,
      address: '203.0.113.1:80',
      servers: { a: '10.77.1.2:8000', b: '10.77.2.2:8000' },
    })
    visitors = run(world, [join(programs, 'visitors.ts'), 'http://203.0.113.1'])
    await lineOf(visitors, 'all are here')
  })

  afterAll(async () => {
    children.at(-1)?.stdin?.end()
    for (const sidecar of all) await sidecar.stop()
    await balancer?.close()
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'close')))
    await Promise.all(machines.map((machine) => machine.close()))
    rmSync(folder, { recursive: true, force: true })
  })

  it('run as an ordinary user who may do nothing more', () => {
    for (const name of names) {
      const status = readFileSync(`/proc/${sidecars[name].pid}/status`, 'utf8')
      expect(status).toMatch(new RegExp(`^Uid:\\s${user}\\s${user}\\s`, 'm'))
      expect(status).toMatch(/^CapPrm:\t0+$/m)
      expect(status).toMatch(/^CapBnd:\t0+$/m)
    }
  })

  it('are both replaced under load, and no request fails', async () => {
    const began = performance.now()
    for (const name of names) {
      await replace(name)
      await sidecars[name].waitFor({ path: '/api/v1/seen' })
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(1)
    const { answers, failures, messages, events, reopened, slowest, addresses } = await report()
    const requests = sumOf(answers)
    console.log(
      `both sidecars replaced in ${seconds} s: ${requests} requests, ${failures.length} failed (slowest ${slowest} ms); ` +
        `${messages} messages over WebSockets, ${reopened.sockets} of them opened anew; ${events} events, ${reopened.streams} streams opened anew`,
    )
    expect(failures).toEqual([])
    expect(requests).toBeGreaterThan(1_000)
    expect(Object.keys(answers)).toHaveLength(7) // each kind
    // Each of the four was on a or on b or came to b in the meantime: none stayed, and none was ended but politely.
    expect(reopened.sockets).toBeGreaterThanOrEqual(4)
    expect(reopened.streams).toBeGreaterThanOrEqual(4)
    // The balancer is on a private address, so its word is kept; what a visitor says of itself stands left of that.
    expect([...addresses].sort()).toEqual(['10.77.1.1', '10.77.2.1'].map((from) => `${forged}, ${visitor}, ${from}`))

    const counts = await balancer.counts()
    for (const name of names)
      expect(counts[name]).toMatchObject({
        status: expect.anything(),
        wretr: 0,
        wredis: 0,
        econ: 0,
        eresp: 0,
        hrsp_5xx: 0,
      })
    for (const sidecar of all) {
      expect(sidecar.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([])
      const clients = sidecar.lines.filter(({ path }) => path === '/api/v1/seen').map(({ client }) => client)
      expect(new Set(clients)).toEqual(new Set([visitor]))
    }
  }, 90_000)

  it('the visitors do notice when one ends before the balancer knows', async () => {
    await replace('a', '0s')
    await report()
    const after = balancer.said
    sidecars.a.signal('SIGTERM')
    await balancer.becomes('a', 'DOWN', after)
    expect((await report()).failures.length).toBeGreaterThan(0)
    sidecars.b.signal('SIGKILL')
    await balancer.becomes('b', 'DOWN', after)
    expect((await report()).failures.length).toBeGreaterThan(0)
  }, 60_000)
})
