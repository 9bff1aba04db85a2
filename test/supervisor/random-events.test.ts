/**
 * Ten thousand random events at a time against the real state machine, its driver, its probes, its policy and its stop,
 * over a simulated kernel and a clock that is turned by hand.
 *
 * What holds after each event, whatever came before:
 * - never do two copies run: at most one group of the process has living members;
 * - a process that is wanted runs (`starting`, `running`, `parked`: its leader lives), or waits for something that will come
 *   (`waiting`: for dependencies that it names; `backoff`: for a timer that is set; `stopping`: for the end of a group that is
 *   being ended, a timer set), or is down for good with a verdict (`fatal`; `exited` where the policy says so), and is never
 *   `stopped`;
 * - one that is not wanted does not wait and is not going to be started;
 * - what is ready runs, or is a task that has completed;
 * - no event comes that the table calls impossible.
 * And as often as everything is kind to it for a while, a process that is wanted becomes ready or is down for good, and
 * one that was asked to stop has stopped, with nothing left behind.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import { table } from '../../src/supervisor/process/machine.ts'
import { SupervisedProcess } from '../../src/supervisor/process/process.ts'
import type { Exit } from '../../src/supervisor/spawn/exit.ts'
import { SimulatedKernel, seeded } from './simulated-kernel.ts'
import { planFor } from './test-supervisor.ts'

const kernel = vi.hoisted(() => ({ current: undefined as unknown as SimulatedKernel }))
vi.mock('../../src/supervisor/spawn/spawn.ts', () => ({ spawnGroup: () => kernel.current.spawn() }))
// Pids are made up here: nothing that the real kernel says of them counts.
vi.mock('../../src/supervisor/group/process-table.ts', () => ({
  kernelProcess: () => undefined,
  processTable: () => [],
  isOver: () => false,
}))
vi.mock('../../src/supervisor/group/group.ts', () => ({
  isGroupAlive: (pid: number) => kernel.current.isAlive(pid),
  signalGroup: (pid: number, signal: NodeJS.Signals) => kernel.current.signal(pid, signal),
}))
vi.mock('../../src/supervisor/probe/attempt-of.ts', () => ({
  attemptOf: () => (signal: AbortSignal) => kernel.current.probe(signal),
}))
// Node's own is bound to the real clock; this one is the same thing over the clock of the test.
vi.mock('node:timers/promises', () => ({
  setTimeout: (length: number, value?: unknown, { signal }: { signal?: AbortSignal } = {}) =>
    new Promise((resolve, reject) => {
      const aborted = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', aborted)
        resolve(value)
      }, length)
      if (signal?.aborted) aborted()
      else signal?.addEventListener('abort', aborted, { once: true })
    }),
}))

const eventsPerSeed = 10_000
/** Longer than all deadlines, graces and backoffs of these plans in a row. */
const kindly = 20_000
const seeds = (process.env.SEEDS ?? '1 2 3 4 5 6 7 8 9 10 11 12').split(' ').map(Number)

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }))
afterEach(() => void vi.useRealTimers())

/** Lets callbacks of settled promises run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** How often each way from one state to another was gone, over all seeds. */
const ways = new Map<string, number>()

class World {
  readonly #random: () => number
  readonly #kernel = new SimulatedKernel()
  readonly #process: SupervisedProcess
  /** What is to be said of all that it depends on. */
  readonly below: { unmet: readonly string[]; inDoubt: boolean } = { unmet: [], inDoubt: false }
  readonly faults: string[] = []

  constructor(seed: number) {
    this.#random = seeded(seed)
    this.#kernel.reset(this.#random)
    kernel.current = this.#kernel
    const say = (message: string) => void (message.startsWith('internal') && this.faults.push(message))
    this.#process = new SupervisedProcess(this.#plan(seed), {
      output: { line() {}, record() {} },
      log: { info: say, warn: say, error: say },
      changed: (before) => {
        const { state } = this.#process
        const way = before.state === state ? state : `${before.state} → ${state}`
        ways.set(way, (ways.get(way) ?? 0) + 1)
      },
      unmet: () => this.below.unmet,
      unmetBelow: () => this.below.unmet,
      isInDoubtBelow: () => this.below.inDoubt,
      sparePort: () => Promise.resolve(0),
      withMemoryHint: (plan) => plan,
      killedForMemory: () => false,
      beginBackup: () => Promise.reject(new Error('no task here makes backups')),
    })
  }

  /** Does something at random and returns what it was. */
  async event(): Promise<string> {
    const events = this.#events()
    let lot = this.#random() * events.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, name, act] of events) {
      lot -= weight
      if (lot >= 0) continue
      await act()
      await settled()
      return name
    }
    return 'nothing'
  }

  /** What is not as it must be. */
  wrong(): string | undefined {
    const { wanted, state, ready, waitingFor } = this.#process.status()
    const { copies, leaders } = this.#kernel
    const timers = vi.getTimerCount()
    if (this.faults.length > 0) return this.faults.join('; ')
    if (copies > 1) return `${copies} copies run`
    if (ready && state !== 'running' && state !== 'exited') return `it is ready in ${state}`
    switch (state) {
      case 'parked':
        if (waitingFor.length === 0) return 'it is parked for nothing'
        return leaders === 1 ? undefined : 'it is parked and has no process'
      case 'starting':
      case 'running':
        return leaders === 1 ? undefined : `it is ${state} and has no process`
      case 'stopping':
        return timers > 0 ? undefined : 'it is stopping and nothing is going to happen'
      case 'waiting':
        if (!wanted) return 'it is not wanted and waits'
        return waitingFor.length > 0 ? undefined : 'it waits for nothing'
      case 'backoff':
        if (!wanted) return 'it is not wanted and will be started'
        return timers > 0 ? undefined : 'it is in backoff and no start is scheduled'
      case 'stopped':
        return wanted ? 'it is wanted and stopped' : this.#leftovers()
      case 'exited': {
        const { kind, restart } = this.#process.plan
        const mayEnd = kind === 'task' || restart.policy !== 'always'
        return mayEnd ? this.#leftovers() : 'it exited, but should always be restarted'
      }
      case 'fatal':
        return this.#process.finalFailure ? this.#leftovers() : 'it is fatal without a reason'
    }
  }

  /** Nothing bad comes for a while; returns what is wrong then. */
  async kindness(): Promise<string | undefined> {
    Object.assign(this.#kernel, { nextSpawn: 'works', health: 'good' })
    this.#turn({ unmet: [], inDoubt: false })
    await vi.advanceTimersByTimeAsync(kindly)
    await settled()
    const { wanted, state, ready } = this.#process.status()
    const wasToStop = !wanted && state !== 'running'
    if (wasToStop) return this.#process.atRest ? undefined : `it was asked to stop and is ${state}`
    if (this.#process.atRest) return undefined
    const isTask = this.#process.plan.kind === 'task'
    return state === 'running' && (ready || isTask) ? undefined : `after a kind while it is ${state}`
  }

  #leftovers(): string | undefined {
    return this.#kernel.copies === 0 ? undefined : `it is ${this.#process.state} and something of it lives`
  }

  /** Each with how often it comes, relative to the others. */
  #events(): readonly (readonly [number, string, () => unknown])[] {
    const subject = this.#process
    const kernel = this.#kernel
    const pick = this.#oneOf
    // A process that is stopping is replaced by another one instead of being started again.
    const start = () => subject.state === 'stopping' || subject.start()
    const end = () => kernel.endLeaders(pick(exits))
    const pass = (most: number) => vi.advanceTimersByTimeAsync(this.#random() * most)
    return [
      [3, 'start', start],
      [0.5, 'stop', () => void subject.stop(pick([0, 100, 10_000]))],
      [0.1, 'release', () => subject.release()],
      [1, 'end', end],
      [2, 'health', () => Object.assign(kernel, { health: pick(['good', 'good', 'good', 'bad', 'hangs']) })],
      [0.5, 'shortage', () => Object.assign(kernel, { nextSpawn: 'fails for the moment' })],
      [0.1, 'no program', () => Object.assign(kernel, { nextSpawn: 'fails' })],
      [2, 'dependencies', () => this.#turn({ unmet: pick([[], ['db']]) })],
      [1, 'doubt', () => this.#turn({ inDoubt: this.#random() < 0.3 })],
      [4, 'a moment', () => pass(20)],
      [8, 'a while', () => pass(500)],
      [1, 'long', () => pass(5_000)],
      // Several at once, before the first has taken effect.
      [
        0.5,
        'stop and start',
        () => {
          void subject.stop(0)
          start()
        },
      ],
      [
        0.5,
        'start, stop and start',
        () => {
          Object.assign(kernel, { nextSpawn: pick(['fails', 'fails for the moment']) })
          start()
          void subject.stop(0)
          start()
        },
      ],
      [
        0.5,
        'end and stop',
        () => {
          end()
          void subject.stop(100)
        },
      ],
    ]
  }

  #turn(below: Partial<World['below']>): void {
    Object.assign(this.below, below)
    this.#process.reconcile()
  }

  #plan(seed: number): ProcessPlan {
    const timing = { every: this.#oneOf([20, 50]), timeout: this.#oneOf([20, 200]) }
    const probe = { kind: 'http', url: '', ...timing, deadline: this.#oneOf([100, 1_000]) } as const
    const service = this.#random() < 0.8
    return planFor('subject', {
      kind: service ? 'service' : 'task',
      ...(this.#random() < 0.3 && { startup: probe }),
      ...(this.#random() < 0.7 && { ready: { ...probe, ...(this.#random() < 0.5 && { failures: 2 }) } }),
      ...(service && this.#random() < 0.8 && { alive: { kind: 'http', url: '', ...timing, failures: 3 } as const }),
      stop: { signal: 'SIGTERM', grace: this.#oneOf([50, 1_000]) },
      restart: {
        policy: (['always', 'always', 'on-failure', 'never'] as const)[seed % 4] ?? 'always',
        backoff: { first: 0, next: this.#oneOf([10, 100]), max: 1_000 },
        giveUp: { failures: this.#oneOf([3, 10]), within: 60_000 },
        steady: this.#oneOf([0, 10_000]),
      },
    })
  }

  readonly #oneOf = <T>(choices: readonly T[]): T => choices[Math.floor(this.#random() * choices.length)] as T
}

const exits: readonly Exit[] = [
  { code: 0, signal: null },
  { code: 1, signal: null },
  { code: 143, signal: null },
  { code: null, signal: 'SIGKILL' },
]

describe('a supervised process', () => {
  it.each(seeds)('is never lost and never doubled by random events (seed %d)', async (seed) => {
    const world = new World(seed)
    const history: string[] = []
    for (let count = 1; count <= eventsPerSeed; count += 1) {
      history.push(await world.event())
      const wrong = world.wrong() ?? (count % 500 === 0 ? await world.kindness() : undefined)
      const last = history.slice(-20).join(', ')
      if (wrong !== undefined) throw new Error(`SEEDS=${seed}, event ${count}: ${wrong}; the last ones: ${last}`)
    }
  })
  it('has by then gone every way that the table knows', () => {
    const possible = new Set<string>()
    for (const [state, cells] of Object.entries(table))
      for (const cell of Object.values(cells) as { to?: string }[])
        if (cell.to !== undefined && cell.to !== state) possible.add(`${state} → ${cell.to}`)
    expect([...possible].filter((way) => !ways.has(way))).toEqual([])
  })
})
