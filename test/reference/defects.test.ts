/**
 * What goes wrong in the reference deployment today, and must not with config/appsmith.yaml. The third defect, that nothing says
 * how far a boot is, waits for the boot page of state-aware operation; those of the network are in defects-network.test.ts.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readStatus } from '../../src/control/client/client.ts'
import type { ProcessPlan } from '../../src/plan/model/processes.ts'
import { runGatehouse } from '../e2e/support/gatehouse.ts'
import { isRunning } from '../e2e/support/processes.ts'
import { ask } from './asking.ts'
import {
  databasesElsewhere,
  type SingleContainer,
  singleContainerPlan,
  startSingleContainer,
  withoutBackups,
} from './single-container.ts'
import { putFiles, testSite, type Variables } from './site.ts'

const site = testSite({ start: startSingleContainer })

/** With its own MongoDB, all else elsewhere unless the test says otherwise. */
const ownMongodb: Variables = { ...databasesElsewhere, ...withoutBackups, APPSMITH_DB_URL: '', GATEHOUSE_THREADS: '1' }

async function start(env: Variables): Promise<SingleContainer> {
  const running = await startSingleContainer(site, { ...ownMongodb, ...env })
  onTestFinished(() => running.gatehouse.stop().then(() => {}))
  return running
}

async function statusOf({ socket }: SingleContainer, name: string) {
  const { processes } = await readStatus(socket)
  return processes.find((process) => process.name === name)
}

async function healthcheck({ socket }: SingleContainer): Promise<string> {
  const { stdout, code } = await runGatehouse(['healthcheck', '--socket', socket])
  return `${stdout.trimEnd()} -> ${code}`
}

describe('1: the order of a boot', () => {
  it('follows what is ready: a slow MongoDB delays the backend, and fails nothing', async () => {
    const recovered = join(site.folder, 'recovered')
    const running = await start({ MONGOD_RECOVERED: recovered })
    const { gatehouse, http } = running
    await gatehouse.waitFor({ process: 'backend', state: 'waiting' })
    await gatehouse.waitFor({ process: 'rts', ready: true })
    // What needs no backend is served meanwhile.
    expect((await ask(http, '/favicon.ico')).status).toBe(200)
    expect((await ask(http, '/api/x')).status).toBe(503)
    expect(await healthcheck(running)).toMatch(/^starting: waiting for mongodb\b.* -> 1$/)
    putFiles(site.folder, { recovered: '' })
    await gatehouse.ready()
    const at = (process: string, facts: Readonly<Record<string, unknown>>) =>
      gatehouse.lines.findIndex(
        (line) => line.process === process && Object.entries(facts).every(([name, value]) => line[name] === value),
      )
    const order = [
      at('mongodb', { state: 'starting' }),
      at('mongodb', { ready: true }),
      at('mongodb-setup', { state: 'running' }),
      at('mongodb-setup', { state: 'exited', ready: true }),
      at('backend', { state: 'starting' }),
      at('backend', { ready: true }),
    ]
    expect(order).not.toContain(-1)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(at('rts', { ready: true })).toBeLessThan(at('backend', { state: 'starting' }))
    for (const name of ['mongodb', 'backend']) expect((await statusOf(running, name))?.restarts).toBe(0)
    expect((await ask(http, '/api/x')).status).toBe(200)
    expect(await healthcheck(running)).toBe('healthy -> 0')
  })

  it('waits for MongoDB for longer than the 81 s that it was seen to take', async () => {
    const mongodb = await processPlan('mongodb')
    expect(mongodb.ready?.deadline).toBeGreaterThanOrEqual(300_000)
  })
})

describe('2: a process that is given up', () => {
  it('ends the container with its exit code, if it is essential', async () => {
    const { gatehouse } = await start({ MONGOD_BROKEN: '1' })
    const exit = await gatehouse.exit
    expect(exit).toEqual({ code: 14, signal: null })
    const fatal = gatehouse.lines.find((line) => line.process === 'mongodb' && line.state === 'fatal')
    expect(JSON.stringify(fatal)).toContain('WiredTiger.turtle is damaged')
    expect(gatehouse.survivors()).toEqual([])
  })

  it.each(['redis', 'mongodb', 'mongodb-setup', 'rts', 'backend'])('%s is essential', async (name) => {
    expect((await processPlan(name)).essential).toBe(true)
  })

  it('is reported by name where it is not: mcp', async () => {
    putFiles(site.folder, { 'broken/bundle/server.js': 'process.exit(3)' })
    const running = await start({ GATEHOUSE_MCP: join(site.folder, 'broken') })
    await running.gatehouse.waitFor({ process: 'mcp', state: 'backoff' })
    await running.gatehouse.waitFor({ process: 'backend', ready: true })
    expect(await healthcheck(running)).toMatch(/^unhealthy: mcp\b.* -> 1$/)
  })
})

describe('5: health', () => {
  it.each([
    ['redis', 'GATEHOUSE_REDIS_PORT'],
    ['mongodb', 'GATEHOUSE_MONGODB_PORT'],
    ['rts', 'APPSMITH_RTS_PORT'],
    ['mcp', 'APPSMITH_MCP_PORT'],
    ['backend', 'GATEHOUSE_BACKEND_PORT'],
  ])('%s is asked for as long as it runs, where it listens', async (name, variable) => {
    const { ready, alive, port } = await processPlan(name, { [variable]: '12345' })
    const asked = JSON.stringify({ ready, alive, port })
    expect(asked).toContain('12345')
    expect(alive !== undefined || ready?.failures !== undefined, asked).toBe(true)
  })

  it('asks by names that exist: a program that is gone makes it unhealthy until it is back', async () => {
    putFiles(site.folder, { booted: '' })
    const booted = join(site.folder, 'booted')
    const running = await start({ BACKEND_BOOTED: booted })
    const { gatehouse } = running
    await gatehouse.ready()
    expect(await healthcheck(running)).toBe('healthy -> 0')
    const after = gatehouse.lines.length
    rmSync(booted)
    process.kill(gatehouse.pidOf('backend'), 'SIGKILL')
    await gatehouse.waitFor({ process: 'backend', state: 'starting' }, { after })
    expect(await healthcheck(running)).toMatch(/^unhealthy: backend\b.* -> 1$/)
    putFiles(site.folder, { booted: '' })
    await gatehouse.waitFor({ process: 'backend', ready: true }, { after })
    expect(await healthcheck(running)).toBe('healthy -> 0')
  })

  it('one bad answer of the backend restarts nothing', async () => {
    const running = await start({ ...databasesElsewhere })
    const { gatehouse, ports } = running
    await gatehouse.ready()
    const pid = gatehouse.pidOf('backend')
    expect((await ask(Number(ports.GATEHOUSE_BACKEND_PORT), '/unwell')).status).toBe(200)
    const after = gatehouse.lines.length
    await gatehouse.waitFor({ process: 'backend', message: 'unwell' }, { after })
    expect((await ask(running.http, '/api/x')).status).toBe(200)
    expect(await statusOf(running, 'backend')).toMatchObject({ state: 'running', pid, restarts: 0 })
    expect(await healthcheck(running)).toBe('healthy -> 0')
    expect((await processPlan('backend')).alive).toMatchObject({ every: 10_000, failures: 6 })
  })
})

describe('6: the end of MongoDB', () => {
  it('has time: a minute of the budget, which is long enough for all that stop before it', async () => {
    const { stop, criticality } = await processPlan('mongodb')
    expect(criticality).toBe('critical')
    expect(stop).toMatchObject({ signal: 'SIGTERM', grace: 60_000 })
    const { shutdown } = await singleContainerPlan(site, ownMongodb)
    expect(shutdown.budget).toBeGreaterThanOrEqual(120_000)
  })

  it('stops last, after all that use it, and is waited for', async () => {
    const { gatehouse } = await start({ MONGOD_STOP: '3000' })
    await gatehouse.ready()
    const pid = gatehouse.pidOf('mongodb')
    const after = gatehouse.lines.length
    gatehouse.signal('SIGTERM')
    await gatehouse.waitFor({ process: 'mongodb', message: 'stopping' }, { after })
    for (const name of ['backend', 'rts', 'mcp']) expect(isRunning(gatehouse.pidOf(name)), name).toBe(false)
    expect(isRunning(pid)).toBe(true)
    expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
    const ends = gatehouse.lines.slice(after).filter((line) => line.process === 'mongodb')
    expect(ends.map(({ message }) => message)).toContain('stopped')
    expect(JSON.stringify(ends)).not.toContain('SIGKILL')
  })
})

describe('7: a bad configuration', () => {
  const bad = 'APPSMITH_CODEC_SIZE=much\n'

  it('at a boot is reported with its place and a hint; nothing is started', async () => {
    const { gatehouse } = await start({ GATEHOUSE_STACKS: site.volume({ 'configuration/docker.env': bad }) })
    expect(await gatehouse.exit).toEqual({ code: 1, signal: null })
    const said = gatehouse.stderr + gatehouse.lines.map(({ message }) => message).join('\n')
    expect(said).toMatch(/appsmith\.yaml:\d+:\d+: .*\$\{APPSMITH_CODEC_SIZE:-150\}MB/)
    expect(gatehouse.lines.filter((line) => 'pid' in line && line.process !== 'gatehouse')).toEqual([])
  })

  it('at a reload changes nothing: what ran keeps running, and the next valid one counts', async () => {
    const stacks = site.volume({ 'configuration/docker.env': 'APPSMITH_UNSET=first\n' })
    const { gatehouse, http } = await start({ ...databasesElsewhere, GATEHOUSE_STACKS: stacks })
    await gatehouse.ready()
    const pid = gatehouse.pidOf('rts')
    const reload = async (text: string, outcome: string) => {
      putFiles(stacks, { 'configuration/docker.env': text })
      const after = gatehouse.lines.length
      gatehouse.signal('SIGHUP')
      await gatehouse.waitFor({ reload: outcome }, { after })
      return gatehouse.lines.slice(after)
    }
    const said = await reload(`APPSMITH_UNSET=second\n${bad}`, 'refused')
    expect(said.map(({ message }) => message)).toContainEqual(expect.stringMatching(/appsmith\.yaml:\d+:\d+: /))
    expect((await ask(http, '/')).body).toContain('|first|')
    expect((await ask(http, '/api/x')).status).toBe(200)
    expect(gatehouse.pidOf('rts')).toBe(pid)
    await reload('APPSMITH_UNSET=third\n', 'done')
    expect((await ask(http, '/')).body).toContain('|third|')
  })
})

async function processPlan(name: string, env: Variables = {}): Promise<ProcessPlan> {
  const { processes } = await singleContainerPlan(site, { ...ownMongodb, APPSMITH_REDIS_URL: '', ...env })
  const found = processes.find((process) => process.name === name)
  if (found === undefined) throw new Error(`there is no process ${name}`)
  return found
}
