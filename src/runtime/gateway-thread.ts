import { Worker } from 'node:worker_threads'
import type { StoreNews } from '../gateway/guards/rate-limit/stores.ts'
import type { FromThread, ThreadBirth, ToThread } from '../gateway/messages.ts'
import type { ServedCertificate, ServedChallenge } from '../gateway/ports.ts'
import { beatEvery, createPulse, readPulse, type Vitals } from '../gateway/pulse.ts'
import type { GatewayPlan } from '../plan/types.ts'
import { embeddedAsset, isSingleExecutable } from '../shared/assets.ts'
import { GatehouseError, messageOf } from '../shared/errors.ts'
import { TallyBook } from '../telemetry/metrics-tally.ts'

/** Why a thread must be replaced: it threw, reached its heap limit, hangs, or ended for no reason that it gave. */
export type ThreadFault = 'threw' | 'heap-limit' | 'hung' | 'ended'

export interface ThreadFailure {
  readonly fault: ThreadFault
  readonly message: string
  readonly stack?: string
}

/** One gateway thread, seen from the main thread. */
export interface GatewayThread {
  /** Puts the plan into service; rejects with `gateway-failed` if it could not be, or if the thread is lost meanwhile. */
  apply(plan: GatewayPlan, certificates: readonly ServedCertificate[]): Promise<void>
  say(message: ToThread): void
  /** Has it show these to ACME servers; rejects if it is lost meanwhile. */
  show(challenges: readonly ServedChallenge[]): Promise<void>
  /** Has it take leave of a target, in `budget` ms; resolves with the answers that were cut. A lost thread has none left. */
  partFrom(origin: string, budget: number): Promise<number>
  /** Accepts no more, answers what is in flight, ends. Resolves with the requests that were cut; a lost thread cuts none. */
  drain(budget: number): Promise<number>
  /** Ends it at once, whatever it does. Nothing is heard of it afterwards. */
  end(): void
  /** `failing`: it serves, but must be replaced; `hung` and `over`: it does not serve. */
  readonly state: 'well' | 'failing' | 'hung' | 'over'
  /** Its first sign of trouble. */
  readonly failure: ThreadFailure | undefined
  readonly vitals: Vitals
  /** What it has counted; absent if nobody asked for metrics. */
  readonly book: TallyBook | undefined
}

/**
 * What a thread may hold. A gateway holds little between requests, and bodies are Buffers, outside this heap. A smaller young
 * generation is collected so often that it costs CPU (the plain proxy in one run: 76 µs a request with 16 MB, 70 with 32, 68
 * with 64); a larger one is filled by a flood of h2 resets, whose memory must stay bounded: with 48 MB two threads grew by 101 MB.
 */
const resourceLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 }

/** Without a beat for so many looks, one every `beatEvery`, it hangs: 5 s; while it loads, on a slow machine, 30 s. */
const patience = { serving: 5_000 / beatEvery, loading: 30_000 / beatEvery }

export type GatewayThreadBirth = Omit<ThreadBirth, 'pulse' | 'tally'> & { readonly counts: boolean }

export interface GatewayThreadEvents {
  /** Called once, at the first sign of trouble; never after `drain` or `end`. */
  failed(failure: ThreadFailure): void
  /** How a store of its rate limits is doing has changed. */
  storeChanged(news: StoreNews): void
}

export function startGatewayThread(
  { counts, ...birth }: GatewayThreadBirth,
  { failed, storeChanged }: GatewayThreadEvents,
): GatewayThread {
  const pulse = createPulse()
  const book = counts ? new TallyBook() : undefined
  const worker = startWorker({ ...birth, pulse, ...(book && { tally: book.memory }) })
  const waiting = new Map<number, { resolve(): void; reject(error: Error): void }>()
  const drained = Promise.withResolvers<number>()
  const parting = new Map<number, (cut: number) => void>()
  let lastId = 0
  let state: GatewayThread['state'] = 'well'
  let failure: ThreadFailure | undefined
  let leaving = false

  function trouble(next: GatewayThread['state'], found: ThreadFailure): void {
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

  const stopWatching = watchPulse(pulse, (message) => trouble('hung', { fault: 'hung', message }))
  worker.on('message', (message: FromThread) => {
    if (message.type === 'drained') return drained.resolve(message.cut)
    if (message.type === 'parted') {
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
  worker.on('exit', (code) => trouble('over', { fault: 'ended', message: `ended by itself with code ${code}` }))

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

  function end(): void {
    leaving = true
    trouble('over', { fault: 'ended', message: 'was ended' })
    void worker.terminate()
  }

  return {
    apply: (plan, certificates) => demand((id) => ({ type: 'apply', id, plan, certificates })),
    show: (challenges) => demand((id) => ({ type: 'challenges', id, challenges })),
    say: (message) => worker.postMessage(message),
    partFrom(origin, budget) {
      if (state === 'hung' || state === 'over') return Promise.resolve(0)
      lastId += 1
      const id = lastId
      return new Promise((resolve) => {
        parting.set(id, resolve)
        worker.postMessage({ type: 'part', id, origin, budget } satisfies ToThread)
      })
    },
    async drain(budget) {
      leaving = true
      worker.postMessage({ type: 'drain', budget } satisfies ToThread)
      const cut = await drained.promise
      end()
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
      return readPulse(pulse)
    },
  }
}

function failureOf(error: unknown): ThreadFailure {
  const { code, stack } = error as { code?: unknown; stack?: unknown }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY')
    return { fault: 'heap-limit', message: `reached its heap limit of ${resourceLimits.maxOldGenerationSizeMb} MB` }
  return { fault: 'threw', message: `threw: ${messageOf(error)}`, ...(typeof stack === 'string' && { stack }) }
}

/**
 * Calls back once when the pulse has stopped. Looks are counted, not time: when the whole process was stopped or starved, this
 * thread looked as seldom as the other beat.
 */
function watchPulse(pulse: SharedArrayBuffer, stopped: (message: string) => void): () => void {
  let seen = 0
  let misses = 0
  const timer = setInterval(() => {
    const { beats } = readPulse(pulse)
    misses = beats === seen ? misses + 1 : 0
    seen = beats
    if (misses < (beats === 0 ? patience.loading : patience.serving)) return
    clearInterval(timer)
    stopped(beats === 0 ? 'hangs: it did not begin in 30 s' : 'hangs: its event loop did not turn for 5 s')
  }, beatEvery)
  return () => clearInterval(timer)
}

function startWorker(birth: ThreadBirth): Worker {
  const options = { workerData: birth, name: 'gateway', resourceLimits }
  return isSingleExecutable
    ? new Worker(embeddedAsset('gateway-thread.js'), { ...options, eval: true })
    : new Worker(new URL('../gateway/thread.ts', import.meta.url), options)
}
