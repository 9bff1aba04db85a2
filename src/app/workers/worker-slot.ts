import type { ToThread } from '../../gateway/messages.ts'
import { GatehouseError, messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { ServedChallenge } from '../../shared/served.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import type { GatewayConfig, GatewayWorker, ThreadFailure, ThreadFault } from './worker.ts'

/** A place that is always filled: by a gateway thread, or by its successor as soon as that one serves. */
export interface WorkerSlot {
  readonly number: number
  /** Whether requests are answered here. */
  readonly serving: boolean
  /** The one that holds it, or held it last. */
  readonly thread: GatewayWorker
  /** Rejects if the thread refuses or is lost; where none is at the moment, its successor will be given the service. */
  apply(service: GatewayConfig): Promise<void>
  say(message: ToThread): void
  /** Has ACME servers shown these; rejects if the thread is lost meanwhile. */
  setChallenges(challenges: readonly ServedChallenge[]): Promise<unknown>
  /** Has the thread replaced. */
  relieve(failure: ThreadFailure): void
  /** Answers what is in flight and gives the post up. Resolves with the requests that were cut after `budget` ms. */
  drain(budget: number): Promise<number>
  /** Ends its thread at once; resolves when that is over, or soon in any case. */
  end(): Promise<void>
}

export interface WorkerSlotOptions {
  /** From 1 on: how the log names it. */
  readonly number: number
  readonly log: Log
  hire(failed: (failure: ThreadFailure) => void): GatewayWorker
  /** Gives a successor what is in service; resolves when it listens. */
  enterService(thread: GatewayWorker): Promise<unknown>
  /** A thread is about to be replaced. */
  relieved(fault: ThreadFault): void
  /** Nobody could be started here so many times that nothing is to be hoped for. */
  lost(error: GatehouseError): void
}

/** A thread that lasted this long had no fault from the start: its successor need not wait. */
const proven = 30_000

/** Threads that fail at once, again and again, must not eat the CPU of those that serve. */
const pause = { first: 250, longest: 5_000 }

/** In a row, before the run may be given up: about 4 s. */
const attempts = 6

/** How long a thread that is replaced may go on with the answers it began. */
const farewell = 10_000

export function createWorkerSlot({ number, log, hire, enterService, relieved, lost }: WorkerSlotOptions): WorkerSlot {
  const name = `gateway thread ${number}`
  let thread: GatewayWorker
  let successor: GatewayWorker | undefined
  let timer: NodeJS.Timeout | undefined
  let since = performance.now()
  let entered = false
  let over = false
  /** Threads in a row that did not prove themselves, and those among them that did not even begin to serve. */
  let shortLived = 0
  let stillborn = 0

  thread = begin()

  function begin(): GatewayWorker {
    const begun: GatewayWorker = hire((failure) => {
      if (begun === thread && entered) relieve(failure)
    })
    return begun
  }

  function relieve({ fault, message, stack }: ThreadFailure): void {
    if (over || successor || timer) return
    relieved(fault)
    if (performance.now() - since > proven) shortLived = 0
    const wait = pauseAfter(shortLived)
    shortLived += 1
    const plan = wait === 0 ? 'another one takes its place' : `another one takes its place in ${wait} ms`
    log.error(`${name} ${message}; ${plan}`, { fault, ...(stack !== undefined && { stack }) })
    replaceIn(wait)
  }

  function replaceIn(wait: number): void {
    timer = setTimeout(() => {
      timer = undefined
      void replace()
    }, wait)
  }

  async function replace(): Promise<void> {
    const started = performance.now()
    const next = begin()
    successor = next
    try {
      await enterService(next)
    } catch (error) {
      successor = undefined
      void next.end()
      if (!over) tryAgain(error)
      return
    }
    successor = undefined
    if (over) return void next.end()
    stillborn = 0
    since = performance.now()
    const before = thread
    thread = next
    const duration = Math.round(since - started)
    log.info(`${name} was replaced in ${duration} ms`, { duration })
    // It listens until now, so that there was no moment without a listener; what it had begun it may finish.
    if (before.state === 'failing') void before.drain(farewell)
    else void before.end()
    if (next.failure) relieve(next.failure)
  }

  function tryAgain(error: unknown): void {
    stillborn += 1
    const wait = pauseAfter(stillborn)
    log.error(`${name} could not be replaced: ${messageOf(error)}; tried again in ${wait} ms`)
    if (stillborn >= attempts)
      lost(new GatehouseError('gateway-failed', `no gateway thread can be started: ${messageOf(error)}`))
    replaceIn(wait)
  }

  function serves(): boolean {
    return thread.state === 'well' || thread.state === 'failing'
  }

  function close(): void {
    over = true
    clearTimeout(timer)
    void successor?.end()
  }

  return {
    number,
    get serving() {
      return entered && serves()
    },
    get thread() {
      return thread
    },
    async apply({ plan, certificates }) {
      if (entered && !serves()) return
      await thread.apply(plan, certificates)
      if (!entered && thread.failure) setImmediate(relieve, thread.failure)
      entered = true
    },
    say(message) {
      thread.say(message)
      successor?.say(message)
    },
    setChallenges: (challenges) => Promise.all([thread, successor].map((one) => one?.setChallenges(challenges))),
    relieve,
    drain(budget) {
      close()
      return thread.drain(budget)
    },
    end() {
      close()
      return thread.end()
    },
  }
}

/** None after the first two, then doubling. */
function pauseAfter(failures: number): number {
  return failures < 2 ? 0 : Math.min(pause.first * 2 ** (failures - 2), pause.longest)
}
