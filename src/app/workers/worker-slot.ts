import type { ToThread } from '../../gateway/messages.ts'
import { GatehouseError, messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { ServedChallenge } from '../../shared/served.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import type { ApplyHow, GatewayConfig, GatewayWorker, WorkerFailure, WorkerFault } from './worker.ts'

/** One gateway thread after another: a thread that fails is replaced as soon as its successor serves. */
export interface WorkerSlot {
  readonly number: number
  /** Whether requests are answered here. */
  readonly serving: boolean
  /** The present thread, or the last one. */
  readonly worker: GatewayWorker
  /**
   * Rejects if the thread refuses or is lost. Without a thread at the moment it resolves: the successor gets the
   * config.
   */
  apply(config: GatewayConfig, how?: ApplyHow): Promise<void>
  send(message: ToThread): void
  /** Shows these to ACME servers; rejects if the thread is lost meanwhile. */
  setChallenges(challenges: readonly ServedChallenge[]): Promise<unknown>
  replace(failure: WorkerFailure): void
  /**
   * Answers what is in flight, then closes the slot. Resolves with the number of requests that were cut after `budget`.
   */
  drain(budget: Milliseconds): Promise<number>
  /** Ends the thread at once; resolves when it is over, or soon in any case. */
  end(): Promise<void>
}

export interface WorkerSlotOptions {
  /** From 1 on; the log names it. */
  readonly number: number
  readonly log: Log
  startWorker(failed: (failure: WorkerFailure) => void): GatewayWorker
  /** Applies the current config to a successor; resolves when it listens. */
  enterService(worker: GatewayWorker): Promise<unknown>
  /** Called before a thread is replaced. */
  replacing(fault: WorkerFault): void
  /** Called when a replacement has failed so often that there is no hope left. */
  lost(error: GatehouseError): void
}

/** A thread that lasted this long was not broken from the start: its successor starts at once. */
const proven: Milliseconds = 30_000

/** Threads that fail again and again must not take the CPU of those that serve. */
const pause = { first: 250, longest: 5_000 }

/** Failed starts in a row before the run may be given up: about 4 s. */
const attempts = 6

/** For a failing thread to finish the responses it began. */
const drainBudget: Milliseconds = 10_000

export function createWorkerSlot(options: WorkerSlotOptions): WorkerSlot {
  const { number, log, startWorker, enterService, replacing, lost } = options
  const name = `gateway thread ${number}`
  let worker: GatewayWorker
  let successor: GatewayWorker | undefined
  let timer: NodeJS.Timeout | undefined
  let since = performance.now()
  let entered = false
  let closed = false
  /** Threads in a row that did not last, and those among them that never served. */
  let shortLived = 0
  let failedStarts = 0

  worker = start()

  function start(): GatewayWorker {
    const started: GatewayWorker = startWorker((failure) => {
      if (started === worker && entered) replace(failure)
    })
    return started
  }

  function replace({ fault, message, stack }: WorkerFailure): void {
    if (closed || successor || timer) return
    replacing(fault)
    if (performance.now() - since > proven) shortLived = 0
    const wait = pauseAfter(shortLived)
    shortLived += 1
    const when = wait === 0 ? '' : ` in ${wait} ms`
    log.error(`${name} ${message}; starting a replacement${when}`, { fault, ...(stack !== undefined && { stack }) })
    replaceIn(wait)
  }

  function replaceIn(wait: Milliseconds): void {
    timer = setTimeout(() => {
      timer = undefined
      void startSuccessor()
    }, wait)
  }

  async function startSuccessor(): Promise<void> {
    const started = performance.now()
    const next = start()
    successor = next
    try {
      await enterService(next)
    } catch (error) {
      successor = undefined
      void next.end()
      if (!closed) tryAgain(error)
      return
    }
    successor = undefined
    if (closed) return void next.end()
    failedStarts = 0
    since = performance.now()
    const before = worker
    worker = next
    const duration = Math.round(since - started)
    log.info(`${name} was replaced in ${duration} ms`, { duration })
    // It has listened until now, so that some thread always does.
    if (before.state === 'failing') void before.drain(drainBudget)
    else void before.end()
    if (next.failure) replace(next.failure)
  }

  function tryAgain(error: unknown): void {
    failedStarts += 1
    const wait = pauseAfter(failedStarts)
    log.error(`${name} could not be replaced: ${messageOf(error)}; retrying in ${wait} ms`)
    if (failedStarts >= attempts)
      lost(new GatehouseError('gateway-failed', `no gateway thread can be started: ${messageOf(error)}`))
    replaceIn(wait)
  }

  function serves(): boolean {
    return worker.state === 'well' || worker.state === 'failing'
  }

  function close(): void {
    closed = true
    clearTimeout(timer)
    void successor?.end()
  }

  return {
    number,
    get serving() {
      return entered && serves()
    },
    get worker() {
      return worker
    },
    async apply(config, how) {
      if (entered && !serves()) return
      await worker.apply(config, how)
      if (!entered && worker.failure) setImmediate(replace, worker.failure)
      entered = true
    },
    send(message) {
      worker.send(message)
      successor?.send(message)
    },
    setChallenges: (challenges) => Promise.all([worker, successor].map((one) => one?.setChallenges(challenges))),
    replace,
    drain(budget) {
      close()
      return worker.drain(budget)
    },
    end() {
      close()
      return worker.end()
    },
  }
}

/** None after the first two failures, then doubling. */
function pauseAfter(failures: number): Milliseconds {
  return failures < 2 ? 0 : Math.min(pause.first * 2 ** (failures - 2), pause.longest)
}
