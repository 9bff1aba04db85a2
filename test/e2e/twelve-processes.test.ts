/**
 * A container's worth of real programs: PostgreSQL with its initdb and schema, Redis, Java, Node. Whatever can start does so
 * in the moment in which the last thing it waits for is there, and a slow one holds up those only that wait for it.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { part } from '../parts.ts'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, projectFolder, runGatehouse, startGatehouse } from './support/gatehouse.ts'
import type { LogLine } from './support/log-lines.ts'

const postgres = part('postgres')
const complete = postgres !== undefined && part('redis-server') !== undefined && part('javac') !== undefined
const isRoot = process.getuid?.() === 0

/** PostgreSQL refuses to run as root; its user must be able to come to its folder. */
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-twelve-'))
chmodSync(folder, 0o755)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let gatehouse: Gatehouse | undefined
afterEach(async () => void (await gatehouse?.stop()))

/** What each one waits for. */
const dependsOn: Readonly<Record<string, Readonly<Record<string, 'ready' | 'completed'>>>> = {
  initdb: {},
  postgres: { initdb: 'completed' },
  schema: { postgres: 'ready' },
  redis: {},
  rts: { redis: 'ready' },
  temporal: { schema: 'completed' },
  keycloak: { postgres: 'ready' },
  backend: { schema: 'completed', redis: 'ready', rts: 'ready' },
  mcp: { backend: 'ready' },
  slow: {},
  reports: { slow: 'ready', postgres: 'ready' },
  front: { backend: 'ready', mcp: 'ready', keycloak: 'ready' },
}
const names = Object.keys(dependsOn)
const tasks = new Set(['initdb', 'schema'])

async function config(): Promise<string> {
  const ports = await freePorts(10)
  const [database, cache] = ports.splice(0, 2)
  const bin = dirname(realpathSync(postgres ?? ''))
  const data = join(folder, 'postgres')
  mkdirSync(data, { mode: 0o700, recursive: true })
  if (isRoot) execFileSync('chown', ['postgres:', data])
  const user = isRoot ? ', user: postgres' : ''
  const waits = (name: string) => `dependsOn: ${JSON.stringify(dependsOn[name])}`
  const psql = `${bin}/psql, -h, 127.0.0.1, -p, "${database}", -U, postgres`
  // The others with their own ports: real sockets, ready by their own health.
  const node = (name: string, more = '') =>
    `  ${name}: { command: [node, ${projectFolder}/test/e2e/programs/upstream.js], port: ${ports.pop()}, ${waits(name)}, ` +
    `ready: { http: /health, every: 20ms }, environment: { set: { NAME: ${name}${more} } } }`
  return `
processes:
  initdb: { kind: task, command: [${bin}/initdb, -D, ${data}, -U, postgres, -A, trust, --no-sync], directory: /${user} }
  postgres:
    { command: [${bin}/postgres, -D, ${data}, -h, 127.0.0.1, -p, "${database}", -k, ${data}], directory: /${user},
      ${waits('postgres')}, stop: { signal: SIGINT, grace: 20s },
      ready: { exec: [${bin}/pg_isready, -q, -h, 127.0.0.1, -p, "${database}"], every: 20ms } }
  schema: { kind: task, command: [${psql}, -q, -c, "create table workflow (id int)"], ${waits('schema')} }
  redis:
    { command: [redis-server, --port, "${cache}", --bind, 127.0.0.1, --save, "", --appendonly, "no"],
      ready: { tcp: ${cache}, every: 20ms } }
${node('rts')}
${node('temporal', ', READY_AFTER: "150"')}
${node('keycloak', ', READY_AFTER: "300"')}
  backend:
    { command: [java, -XX:+UseSerialGC, -XX:TieredStopAtLevel=1, Backend.java], directory: ${projectFolder}/config/demo,
      port: ${ports.pop()}, ${waits('backend')}, ready: { http: /api/v1/health, every: 50ms } }
${node('mcp')}
  slow: { command: [sleep, infinity], ready: { exec: [test, -e, released], every: 20ms } }
${node('reports')}
${node('front')}
storage: ./storage
control: { socket: ./control.sock }
`
}

const isStart = ({ state, ready, message }: LogLine) => state !== 'waiting' && !ready && message === 'started'
const isReady = ({ ready, state }: LogLine) => ready === true && (state === 'running' || state === 'exited')

it.skipIf(!complete)(
  'twelve programs start in waves, each as soon as what it waits for is there',
  async () => {
    const run = startGatehouse({ config: await config() })
    gatehouse = run
    const rest = names.filter((name) => name !== 'slow' && name !== 'reports')
    const timeout = 60_000
    for (const name of rest) await run.waitFor((line) => line.process === name && isReady(line), { timeout })

    // All of the others are ready; who waits for the slow one still does, and says for whom.
    const of = (name: string, turn: (line: LogLine) => boolean) =>
      run.lines.findIndex((line) => line.process === name && turn(line))
    expect(of('reports', isStart)).toBe(-1)
    const status = await runGatehouse(['status', '--json', run.file])
    const waiting = JSON.parse(status.stdout).processes.filter(({ ready }: { ready: boolean }) => !ready)
    expect(waiting).toMatchObject([
      { name: 'slow', state: 'starting' },
      { name: 'reports', state: 'waiting', waitingFor: ['slow'] },
    ])
    writeFileSync(join(run.folder, 'released'), '')
    await run.ready()

    const table: string[] = []
    const begun = Date.parse(String(run.lines[0]?.time))
    const after = (index: number) => Date.parse(String(run.lines[index]?.time)) - begun
    for (const name of names) {
      const awaited = Object.keys(dependsOn[name] ?? {}).map((one) => of(one, isReady))
      const [started, ready, last] = [of(name, isStart), of(name, isReady), Math.max(-1, ...awaited)]
      expect(started, `${name} started`).toBeGreaterThan(last)
      expect(ready, `${name} became ready`).toBeGreaterThan(started)
      // Its wave comes at once, as soon as its port has been looked at: of the twelve at most one more became ready meanwhile.
      expect(run.lines.slice(last + 1, started).filter(isReady).length, `before ${name}`).toBeLessThan(2)
      const kind = tasks.has(name) ? 'completed' : 'ready'
      table.push(`${name.padEnd(9)} wave ${waveOf(name)}: started ${after(started)} ms, ${kind} ${after(ready)} ms`)
    }
    console.log(table.join('\n'))
    expect(await run.stop()).toEqual({ code: 0, signal: null })
  },
  120_000,
)

/** The longest way down to something that waits for nothing. */
function waveOf(name: string): number {
  return 1 + Math.max(0, ...Object.keys(dependsOn[name] ?? {}).map(waveOf))
}
