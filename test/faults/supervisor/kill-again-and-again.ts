/**
 * A program of its own, `node --expose-gc kill-again-and-again.ts COUNT`: supervises a service, kills it COUNT times,
 * each time after it was ready again, and prints as JSON what this cost. In a process of its own, since a test runner's
 * memory grows by itself.
 */
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { processTable } from '../../../src/supervisor/group/process-table.ts'
import { createSupervisor } from '../../../src/supervisor/supervisor.ts'

export interface Cost {
  readonly before: Footprint
  readonly after: Footprint
  /** Kills that the events tell of, by how many of them show that step. */
  readonly seen: Readonly<Record<'backoff' | 'starting' | 'ready', number>>
  readonly failures: number
  /** Milliseconds for one kill, until it was ready again. */
  readonly each: number
}

export interface Footprint {
  readonly descriptors: number
  /** Bytes, after garbage was collected. */
  readonly resident: number
  readonly zombies: number
  readonly children: number
}

/** Until code is compiled and pools are filled. */
const warmUp = 100

const count = Number(process.argv[2])
const supervisor = createSupervisor({
  processes: [
    {
      name: 'web',
      kind: 'service',
      command: ['/bin/sh', '-c', 'echo up; exec sleep 600'],
      directory: tmpdir(),
      environment: { PATH: '/usr/bin:/bin' },
      dependsOn: [],
      ready: { kind: 'log', pattern: '^up$', every: 10, timeout: 100, deadline: 10_000 },
      restart: {
        policy: 'always',
        backoff: { first: 0, next: 60_000, max: 60_000 },
        giveUp: { failures: 2, within: 60_000 },
        steady: 0,
      },
      essential: false,
      criticality: 'important',
      output: { files: false },
      stop: { signal: 'SIGTERM', grace: 1_000 },
      position: { file: 'test.yaml', line: 1, column: 1 },
    },
  ],
  output: { line() {}, record() {} },
  log: { info() {}, warn() {}, error() {} },
})

const seen = { backoff: 0, starting: 0, ready: 0 }
let failures = 0
let becameReady = Promise.withResolvers<number>()
supervisor.subscribe((event) => {
  if (event.type !== 'transition') return
  if (event.to === 'fatal') failures += 1
  if (event.to === 'backoff' || event.to === 'starting') seen[event.to] += 1
  if (event.to !== 'running' || !event.ready || event.pid === undefined) return
  seen.ready += 1
  becameReady.resolve(event.pid)
})

async function kill(times: number): Promise<void> {
  for (let done = 0; done < times; done += 1) {
    const pid = await becameReady.promise
    becameReady = Promise.withResolvers()
    process.kill(pid, 'SIGKILL')
  }
  await becameReady.promise
}

async function footprint(): Promise<Footprint> {
  // What the last kill left behind is closed in the next turns of the event loop.
  await sleep(500)
  // A common collection keeps the pages of a young generation that grew under so many restarts a second; this one gives
  // them back, so that what remains is what is held.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  const children = processTable().filter(({ parent }) => parent === process.pid)
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    resident: process.memoryUsage.rss(),
    zombies: children.filter(({ state }) => state === 'Z').length,
    children: children.length,
  }
}

supervisor.start()
await kill(warmUp)
const before = await footprint()
Object.assign(seen, { backoff: 0, starting: 0, ready: 0 })
const began = performance.now()
await kill(count)
const each = (performance.now() - began) / count
const after = await footprint()
const cost: Cost = { before, after, seen, failures, each }
await supervisor.stop({ budget: 2_000 })
console.log(JSON.stringify(cost))
