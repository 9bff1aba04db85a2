import type { StoreEvent } from '../../gateway/guards/rate-limit/stores.ts'
import { createHeartbeat, type HeartbeatState, heapLimit, readHeartbeat } from '../../gateway/heartbeat.ts'
import { destroyName, type FromThread, type ThreadSetup, type ToThread } from '../../gateway/messages.ts'
import type { GatewayPlan } from '../../plan/model/plan.ts'
import { GatehouseError, messageOf } from '../../shared/errors.ts'
import type { ServedCertificate, ServedChallenge } from '../../shared/served.ts'
import { trackCall } from '../../shared/system/pending-calls.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep as pause } from '../../shared/time/timer.ts'
import { TallyBook } from '../../telemetry/metrics-tally.ts'
import { releaseTurn } from '../../telemetry/output-descriptor.ts'
import { takeThread } from './gateway-thread.ts'
import { inspectWorker } from './worker-inspector.ts'
import { watchWorker } from './worker-watchdog.ts'

/** Why a thread must be replaced: it threw, reached its heap limit, hangs, or ended without giving a reason. */
export type WorkerFault = 'threw' | 'heap-limit' | 'hung' | 'ended'

export interface WorkerFailure {
  readonly fault: WorkerFault
  /** A predicate: `threw: out of range`. */
  readonly message: string
  readonly stack?: string
}

/** What a gateway thread serves with. */
export interface GatewayConfig {
  readonly plan: GatewayPlan
  readonly certificates: readonly ServedCertificate[]
}

/** `restoring`: the config was in service before (see messages.ts). */
export interface ApplyHow {
  readonly restoring?: true
}

/** One gateway thread, seen from the main thread. */
export interface GatewayWorker {
  /** Puts the config into service; rejects with `gateway-failed` if that fails, or if the thread is lost meanwhile. */
  apply(config: GatewayConfig, how?: ApplyHow): Promise<void>
  send(message: ToThread): void
  /** Shows these to ACME servers; rejects if the thread is lost meanwhile. */
  setChallenges(challenges: readonly ServedChallenge[]): Promise<void>
  /** Resolves with the number of responses that were cut after `budget`: 0 for a lost thread. */
  drainTarget(address: string, budget: Milliseconds): Promise<number>
  /**
   * Accepts no more, answers what is in flight, ends. Resolves with the number of requests that were cut: 0 for a lost
   * thread.
   */
  drain(budget: Milliseconds): Promise<number>
  /**
   * Ends the thread at once, its connections first, and ignores what it still sends. Resolves when it is over, or after
   * 2 s: a thread that is blocked in native code ends as soon as that returns.
   */
  end(): Promise<void>
  /** `failing`: it serves, but must be replaced; `hung` and `over`: it does not serve. */
  readonly state: 'well' | 'failing' | 'hung' | 'over'
  readonly failure: WorkerFailure | undefined
  readonly vitals: HeartbeatState
  /** What it has counted; absent without metrics. */
  readonly tally: TallyBook | undefined
}

/** How long to wait for the end of a thread. */
const endPatience: Milliseconds = 2_000

/** `metrics`: whether the thread counts. */
export type WorkerSetup = Omit<ThreadSetup, 'heartbeat' | 'tally'> & { readonly metrics: boolean }

export interface WorkerEvents {
  /** Called once, at the first failure; never after `drain` or `end`. */
  failed(failure: WorkerFailure): void
  /** The state of a store for its rate limits has changed. */
  storeChanged(event: StoreEvent): void
}

export function startGatewayWorker(
  { metrics, ...setup }: WorkerSetup,
  { failed, storeChanged }: WorkerEvents,
): GatewayWorker {
  const heartbeat = createHeartbeat()
  const tally = metrics ? new TallyBook() : undefined
  const worker = takeThread()
  worker.postMessage({ ...setup, heartbeat, ...(tally && { tally: tally.memory }) } satisfies ThreadSetup)
  const inspector = inspectWorker(worker)
  const requests = new Map<number, { resolve(): void; reject(error: Error): void }>()
  const drained = Promise.withResolvers<number>()
  const targetDrains = new Map<number, (cut: number) => void>()
  let lastId = 0
  let state: GatewayWorker['state'] = 'well'
  let failure: WorkerFailure | undefined
  let ending = false

  function fail(next: GatewayWorker['state'], found: WorkerFailure): void {
    if (state === 'over') return
    state = next
    if (next !== 'failing') abandonRequests(found)
    if (next === 'over') stopWatching()
    if (failure) return
    failure = found
    if (!ending) failed(found)
  }

  function abandonRequests({ message }: WorkerFailure): void {
    const error = new GatehouseError('gateway-failed', `a gateway thread ${message}`)
    for (const { reject } of requests.values()) reject(error)
    requests.clear()
    for (const resolve of targetDrains.values()) resolve(0)
    targetDrains.clear()
    drained.resolve(0)
  }

  const stopWatching = watchWorker({
    heartbeat,
    inspector,
    hangs: (message) => fail('hung', { fault: 'hung', message }),
    full(blocked) {
      // Unless its event loop is blocked it finishes what it has begun, as after an exception.
      fail(blocked ? 'over' : 'failing', { fault: 'heap-limit', message: heapFull })
      if (blocked) void end()
    },
  })
  worker.on('message', (message: FromThread) => {
    if (message.type === 'drained') return drained.resolve(message.cut)
    if (message.type === 'target-drained') {
      targetDrains.get(message.id)?.(message.cut)
      return void targetDrains.delete(message.id)
    }
    if (message.type === 'store') return storeChanged(message.event)
    if (message.type === 'series') return tally?.enter(message.series)
    if (message.type === 'threw') {
      const { error, stack } = message
      return fail('failing', { fault: 'threw', message: `threw: ${error}`, ...(stack !== undefined && { stack }) })
    }
    const request = requests.get(message.id)
    requests.delete(message.id)
    if (message.error === undefined) request?.resolve()
    else request?.reject(new GatehouseError('gateway-failed', message.error))
  })
  worker.on('error', (error) => fail('over', failureOf(error)))
  const { threadId } = worker
  worker.on('exit', (code) => {
    releaseTurn(setup.stdout, threadId)
    fail('over', { fault: 'ended', message: `exited with code ${code}` })
  })

  /** Resolves when the thread reports that it is done. */
  function request(message: (id: number) => ToThread): Promise<void> {
    if (state === 'hung' || state === 'over')
      return Promise.reject(new GatehouseError('gateway-failed', `a gateway thread ${failure?.message}`))
    lastId += 1
    const id = lastId
    return new Promise((resolve, reject) => {
      requests.set(id, { resolve, reject })
      worker.postMessage(message(id))
    })
  }

  /** Its h2 sessions must be gone before it is terminated. */
  async function end(): Promise<void> {
    await terminate(inspector.evaluate(`globalThis.${destroyName}?.()`))
  }

  async function terminate(connectionsGone: Promise<unknown>): Promise<void> {
    ending = true
    fail('over', { fault: 'ended', message: 'was terminated' })
    const ended = connectionsGone.catch(() => {}).then(() => trackCall(worker.terminate()))
    await Promise.race([ended, pause(endPatience, undefined, { ref: false })])
  }

  return {
    apply: (config, how) => request((id) => ({ type: 'apply', id, ...config, ...how })),
    setChallenges: (challenges) => request((id) => ({ type: 'challenges', id, challenges })),
    send: (message) => worker.postMessage(message),
    drainTarget(address, budget) {
      if (state === 'hung' || state === 'over') return Promise.resolve(0)
      lastId += 1
      const id = lastId
      return new Promise((resolve) => {
        targetDrains.set(id, resolve)
        worker.postMessage({ type: 'drain-target', id, address, budget } satisfies ToThread)
      })
    },
    async drain(budget) {
      ending = true
      worker.postMessage({ type: 'drain', budget } satisfies ToThread)
      const cut = await drained.promise
      if (state === 'hung') await end()
      else await terminate(Promise.resolve())
      return cut
    },
    end,
    tally,
    get state() {
      return state
    },
    get failure() {
      return failure
    },
    get vitals() {
      return readHeartbeat(heartbeat)
    },
  }
}

const heapFull = `reached its heap limit of ${heapLimit / 1_048_576} MB`

function failureOf(error: unknown): WorkerFailure {
  const { code, stack } = error as { code?: unknown; stack?: unknown }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return { fault: 'heap-limit', message: heapFull }
  return { fault: 'threw', message: `threw: ${messageOf(error)}`, ...(typeof stack === 'string' && { stack }) }
}
