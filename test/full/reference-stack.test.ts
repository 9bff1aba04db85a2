/**
 * The reference deployment whole, by config/appsmith.yaml as it is shipped, from an empty volume, with real programs: Redis,
 * PostgreSQL, Keycloak, Temporal, Spring WebFlux, Socket.IO, MCP and mongosh; of MongoDB's server see parts/mongodb.ts.
 * What is asked of it is in parts/reference-rows.ts; here are its boot, its accidents, its end, and its second life.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Gatehouse, projectFolder, runGatehouse, source, startGatehouse } from '../e2e/support/gatehouse.ts'
import type { LogLine } from '../e2e/support/log-lines.ts'
import { type Reference, reference, referenceParts } from './parts/reference.ts'
import { referenceRows, stores, works } from './parts/reference-rows.ts'

const parts = await referenceParts()
const services = parts?.services ?? []

const databases = ['mongodb', 'postgres']
/** Keycloak's first start makes its tables, one core at a time. */
const boot = 240_000

describe.skipIf(!parts)('the reference deployment with real parts', () => {
  let deployment: Reference
  let gatehouse: Gatehouse

  function start(): Gatehouse {
    const file = join(projectFolder, 'config/appsmith.yaml')
    return startGatehouse({ command: source, file, env: deployment.environment })
  }
  const secrets = () =>
    ['docker.env', 'gatehouse.env'].map((name) => readFileSync(join(deployment.volume, 'configuration', name), 'utf8'))

  beforeAll(async () => {
    if (!parts) return
    deployment = await reference(parts)
    gatehouse = start()
    await gatehouse.waitFor({ message: 'ready' }, { timeout: boot })
  }, boot + 60_000)

  afterAll(async () => {
    await gatehouse?.stop().finally(() => deployment.remove())
  }, 60_000)

  it('boots from an empty volume, each process as soon as what it waits for is there', () => {
    console.log(timesToReady(gatehouse.lines))
    const failures = gatehouse.lines.filter(({ state }) => ['backoff', 'failed', 'fatal'].includes(`${state}`))
    expect(failures).toEqual([])
  })

  referenceRows(services, () => deployment)

  it.each(services)(
    'comes back whole from a kill -9 of %s, and nobody else is restarted for it',
    async (name) => {
      const before = secrets()
      const [after, pid] = [gatehouse.lines.length, gatehouse.pidOf(name)]
      process.kill(pid, 'SIGKILL')
      const reported = await gatehouse.waitFor((line) => line.process === name && line.state === 'backoff', { after })
      expect(reported).toMatchObject({ exit: { code: null, signal: 'SIGKILL' } })
      await gatehouse.waitFor((line) => line.process === name && isReady(line), { after, timeout: 90_000 })
      await works(deployment)

      const started = gatehouse.lines.slice(after).filter(({ message }) => message === 'started')
      expect(started.map((line) => line.process)).toEqual([name])
      expect(gatehouse.pidOf(name)).not.toBe(pid)
      expect(secrets()).toEqual(before)
    },
    120_000,
  )

  it('counts one restart of each', async () => {
    const words = ['status', '--json', '--socket', join(deployment.folder, 'control.sock')]
    const { stdout } = await runGatehouse(words, { command: source })
    const { processes } = JSON.parse(stdout) as { processes: { name: string; restarts: number }[] }
    const counts = processes.filter(({ restarts }) => restarts > 0).map(({ name, restarts }) => [name, restarts])
    expect(Object.fromEntries(counts)).toEqual(Object.fromEntries(services.map((name) => [name, 1])))
  })

  it('is healthy, and neither a log nor a command line holds a secret', async () => {
    const socket = join(deployment.folder, 'control.sock')
    const { code, stdout } = await runGatehouse(['healthcheck', '--socket', socket], { command: source })
    expect(code, stdout).toBe(0)
    const values = secrets().flatMap((text) =>
      [...text.matchAll(/^\w+=['"]?(\w{24,})['"]?$/gm)].map((found) => found[1]),
    )
    expect(values.length).toBeGreaterThanOrEqual(6)
    const shown = [
      ...gatehouse.lines.map((line) => JSON.stringify(line)),
      ...gatehouse.survivors().map((one) => one.command),
    ]
    expect(shown.filter((text) => values.some((value) => text.includes(`${value}`)))).toEqual([])
  })

  it('stops the users of a database before the databases, and leaves no process behind', async () => {
    const [before, { visits }] = [secrets(), await stores(deployment)]
    const after = gatehouse.lines.length
    gatehouse.signal('SIGTERM')
    expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
    expect(gatehouse.survivors()).toEqual([])
    const ended = gatehouse.lines.slice(after)
    const lastOfOthers = ended.findLastIndex(
      ({ process, state }) => state === 'stopped' && !databases.includes(`${process}`),
    )
    const firstOfDatabases = ended.findIndex(
      ({ process, state }) => state === 'stopping' && databases.includes(`${process}`),
    )
    expect(lastOfOthers).toBeGreaterThan(-1)
    expect(firstOfDatabases).toBeGreaterThan(lastOfOthers)
    const stopped = ended.filter(({ state }) => state === 'stopped').map((line) => line.process)
    expect(stopped.toSorted()).toEqual(services.toSorted())

    // And the second life, with everything that it had.
    await gatehouse.stop()
    gatehouse = start()
    await gatehouse.waitFor({ message: 'ready' }, { timeout: boot })
    console.log(`from the volume of the first life:\n${timesToReady(gatehouse.lines)}`)
    expect(secrets()).toEqual(before)
    await works(deployment)
    expect((await stores(deployment)).visits).toBeGreaterThan(visits)
  }, 300_000)
})

function isReady({ ready, state }: LogLine): boolean {
  return ready === true && (state === 'running' || state === 'exited')
}

/** `redis  ready 52 ms` line by line, from the program's start, in the order in which it happened. */
function timesToReady(lines: readonly LogLine[]): string {
  const begun = Date.parse(String(lines[0]?.time))
  return lines
    .filter(isReady)
    .map(({ process, state, time }) => {
      const ms = Date.parse(String(time)) - begun
      return `${String(process).padEnd(16)} ${state === 'exited' ? 'completed' : 'ready'} ${ms} ms`
    })
    .join('\n')
}
