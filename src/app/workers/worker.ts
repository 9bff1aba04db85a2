import { Worker } from 'node:worker_threads'
import type { StoreNews } from '../../gateway/guards/rate-limit/stores.ts'
import { createHeartbeat, heapLimit, readHeartbeat, type Vitals } from '../../gateway/heartbeat.ts'
import { destroyName, type FromThread, type ThreadBirth, type ToThread } from '../../gateway/messages.ts'
import type { GatewayPlan } from '../../plan/model/plan.ts'
import { embeddedAsset, isSingleExecutable } from '../../shared/assets.ts'
import { GatehouseError, messageOf } from '../../shared/errors.ts'
import type { ServedCertificate, ServedChallenge } from '../../shared/served.ts'
import { mayNotReturn } from '../../shared/system/unreturned.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep as pause } from '../../shared/time/timer.ts'
import { TallyBook } from '../../telemetry/metrics-tally.ts'
import { giveUpTurn } from '../../telemetry/output-descriptor.ts'
import { inspectThread } from './worker-inspector.ts'
import { watchThread } from './worker-watchdog.ts'

/** Why a thread must be replaced: it threw, reached its heap limit, hangs, or ended for no reason that it gave. */
export type ThreadFault = 'threw' | 'heap-limit' | 'hung' | 'ended'

export interface ThreadFailure {
  readonly fault: ThreadFault
  readonly message: string
  readonly stack?: string
}

/** What a gateway thread serves with. */
export interface GatewayConfig {
  readonly plan: GatewayPlan
  readonly certificates: readonly ServedCertificate[]
}

/** One gateway thread, seen from the main thread. */
export interface GatewayWorker {
  /** Puts the plan into service; rejects with `gateway-failed` if it could not be, or if the thread is lost meanwhile. */
  apply(plan: GatewayPlan, certificates: readonly ServedCertificate[]): Promise<void>
  say(message: ToThread): void
  /** Has it show these to ACME servers; rejects if it is lost meanwhile. */
  setChallenges(challenges: readonly ServedChallenge[]): Promise<void>
  /** Has it take leave of a target, in `budget` ms; resolves with the answers that were cut. A lost thread has none left. */
  drainTarget(origin: string, budget: number): Promise<number>
  /** Accepts no more, answers what is in flight, ends. Resolves with the requests that were cut; a lost thread cuts none. */
  drain(budget: number): Promise<number>
  /**
   * Ends it at once, whatever it does, its connections first. Nothing is heard of it afterwards. Resolves when it is over, or after
   * 2 s: one that is held up in native code ends as soon as it returns.
   */
  end(): Promise<void>
  /** `failing`: it serves, but must be replaced; `hung` and `over`: it does not serve. */
  readonly state: 'well' | 'failing' | 'hung' | 'over'
  /** Its first sign of trouble. */
  readonly failure: ThreadFailure | undefined
  readonly vitals: Vitals
  /** What it has counted; absent if nobody asked for metrics. */
  readonly book: TallyBook | undefined
}

/**
 * What V8 may give a thread. A gateway holds little between requests, and bodies are Buffers, outside this heap. A smaller young
 * generation is collected so often that it costs CPU (the plain proxy in one run: 76 µs a request with 16 MB, 70 with 32, 68
 * with 64); a larger one is filled by a flood of h2 resets, whose memory must stay bounded: with 48 MB two threads grew by 101 MB.
 *
 * The old one is four times what we allow (`heapLimit`): a loop that fills the heap, at a gigabyte a second, must be seen and ended in order
 * before V8 ends the thread in disorder (docs/adr/0015-ending-threads.md).
 */
const resourceLimits = { maxOldGenerationSizeMb: (4 * heapLimit) / 1_048_576, maxYoungGenerationSizeMb: 32 }

/** How long is waited for the end of a thread. */
const ending: Milliseconds = 2_000

export type GatewayWorkerBirth = Omit<ThreadBirth, 'heartbeat' | 'tally'> & { readonly counts: boolean }

export interface GatewayWorkerEvents {
  /** Called once, at the first sign of trouble; never after `drain` or `end`. */
  failed(failure: ThreadFailure): void
  /** How a store of its rate limits is doing has changed. */
  storeChanged(news: StoreNews): void
}

export function startGatewayWorker(
  { counts, ...birth }: GatewayWorkerBirth,
  { failed, storeChanged }: GatewayWorkerEvents,
): GatewayWorker {
  const heartbeat = createHeartbeat()
  const book = counts ? new TallyBook() : undefined
  const worker = startWorker({ ...birth, heartbeat, ...(book && { tally: book.memory }) })
  const inspector = inspectThread(worker)
  const waiting = new Map<number, { resolve(): void; reject(error: Error): void }>()
  const drained = Promise.withResolvers<number>()
  const parting = new Map<number, (cut: number) => void>()
  let lastId = 0
  let state: GatewayWorker['state'] = 'well'
  let failure: ThreadFailure | undefined
  let leaving = false

  function trouble(next: GatewayWorker['state'], found: ThreadFailure): void {
    if (state === 'over') return
    state = next
    if (next !== 'failing') giveUpWaiting(found)
    if (next === 'over') stopWatching()
    if (failure) return
    failure = found
    if (!leaving) failed(found)
  }

  function giveUpWaiting({ message }: ThreadFailure): void {
    const error = new GatehouseError('gateway-failed', `a gateway thread ${message}`)
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
    for (const parted of parting.values()) parted(0)
    parting.clear()
    drained.resolve(0)
  }

  const stopWatching = watchThread({
    heartbeat,
    inspector,
    hangs: (message) => trouble('hung', { fault: 'hung', message }),
    full(heldUp) {
      // One whose event loop turns goes on with what it has begun, as after an exception.
      trouble(heldUp ? 'over' : 'failing', { fault: 'heap-limit', message: heapFull })
      if (heldUp) void end()
    },
  })
  worker.on('message', (message: FromThread) => {
    if (message.type === 'drained') return drained.resolve(message.cut)
    if (message.type === 'target-drained') {
      parting.get(message.id)?.(message.cut)
      return void parting.delete(message.id)
    }
    if (message.type === 'store') return storeChanged(message.news)
    if (message.type === 'series') return book?.enter(message.series)
    if (message.type === 'threw') {
      const { error, stack } = message
      return trouble('failing', { fault: 'threw', message: `threw: ${error}`, ...(stack !== undefined && { stack }) })
    }
    const applied = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error === undefined) applied?.resolve()
    else applied?.reject(new GatehouseError('gateway-failed', message.error))
  })
  worker.on('error', (error) => trouble('over', failureOf(error)))
  const { threadId } = worker
  worker.on('exit', (code) => {
    giveUpTurn(birth.stdout, threadId)
    trouble('over', { fault: 'ended', message: `ended by itself with code ${code}` })
  })

  /** Resolves when the thread says that it has done so. */
  function demand(message: (id: number) => ToThread): Promise<void> {
    if (state === 'hung' || state === 'over')
      return Promise.reject(new GatehouseError('gateway-failed', `a gateway thread ${failure?.message}`))
    lastId += 1
    const id = lastId
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      worker.postMessage(message(id))
    })
  }

  /** Its h2 sessions must be gone before it is terminated. */
  async function end(): Promise<void> {
    await terminate(inspector.evaluate(`globalThis.${destroyName}?.()`))
  }

  async function terminate(connectionsGone: Promise<unknown>): Promise<void> {
    leaving = true
    trouble('over', { fault: 'ended', message: 'was ended' })
    const ended = connectionsGone.catch(() => {}).then(() => mayNotReturn(worker.terminate()))
    await Promise.race([ended, pause(ending, undefined, { ref: false })])
  }

  return {
    apply: (plan, certificates) => demand((id) => ({ type: 'apply', id, plan, certificates })),
    setChallenges: (challenges) => demand((id) => ({ type: 'challenges', id, challenges })),
    say: (message) => worker.postMessage(message),
    drainTarget(origin, budget) {
      if (state === 'hung' || state === 'over') return Promise.resolve(0)
      lastId += 1
      const id = lastId
      return new Promise((resolve) => {
        parting.set(id, resolve)
        worker.postMessage({ type: 'drain-target', id, origin, budget } satisfies ToThread)
      })
    },
    async drain(budget) {
      leaving = true
      worker.postMessage({ type: 'drain', budget } satisfies ToThread)
      const cut = await drained.promise
      if (state === 'hung') await end()
      else await terminate(Promise.resolve())
      return cut
    },
    end,
    book,
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

function failureOf(error: unknown): ThreadFailure {
  const { code, stack } = error as { code?: unknown; stack?: unknown }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return { fault: 'heap-limit', message: heapFull }
  return { fault: 'threw', message: `threw: ${messageOf(error)}`, ...(typeof stack === 'string' && { stack }) }
}

function startWorker(birth: ThreadBirth): Worker {
  const options = { workerData: birth, name: 'gateway', resourceLimits }
  return isSingleExecutable
    ? new Worker(embeddedAsset('gateway-thread.js'), { ...options, eval: true })
    : new Worker(new URL('../../gateway/thread.ts', import.meta.url), options)
}
