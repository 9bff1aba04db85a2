import { Worker } from 'node:worker_threads'
import type { FromThread, ThreadBirth, ToThread } from '../gateway/messages.ts'
import type { ServedCertificate, TargetStates } from '../gateway/ports.ts'
import type { GatewayPlan } from '../plan/types.ts'
import { embeddedAsset, isSingleExecutable } from '../shared/assets.ts'
import { GatehouseError, messageOf } from '../shared/errors.ts'

/** The gateway's threads, seen from the main thread. One for now; each would get the same words. */
export interface GatewayThreads {
  /** Puts the plan into service; rejects with `gateway-failed` if it could not be, and what served before goes on. */
  apply(plan: GatewayPlan, certificates: readonly ServedCertificate[]): Promise<void>
  use(certificates: readonly ServedCertificate[]): void
  know(targets: TargetStates): void
  /** Resolves with the number of requests that had to be cut when `budget` milliseconds were over. */
  drain(budget: number): Promise<number>
  /** Rejects if a thread ends that was not drained. Never resolves before the drain. */
  readonly failure: Promise<never>
}

/** Threads begin with the first plan that has a listener: a Gatehouse that only supervises does not pay for them. */
export function createGatewayThreads(birth: ThreadBirth): GatewayThreads {
  const waiting = new Map<number, { resolve(): void; reject(error: Error): void }>()
  const drained = Promise.withResolvers<number>()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {}) // told through whoever awaits it; alone it must not end the process
  let worker: Worker | undefined
  let targets: TargetStates = {}
  let lastId = 0
  let draining = false

  function begin(): Worker {
    const begun = startWorker(birth)
    begun.on('message', (message: FromThread) => {
      if (message.type === 'drained') return drained.resolve(message.cut)
      const applied = waiting.get(message.id)
      waiting.delete(message.id)
      if (message.error === undefined) applied?.resolve()
      else applied?.reject(new GatehouseError('gateway-failed', message.error))
    })
    begun.on('error', (error) => end(`a gateway thread failed: ${messageOf(error)}`, error))
    begun.on('exit', () => end('a gateway thread ended'))
    begun.postMessage({ type: 'targets', targets } satisfies ToThread)
    return begun
  }

  function end(message: string, cause?: unknown): void {
    const error = new GatehouseError('gateway-failed', message, { cause })
    for (const applied of waiting.values()) applied.reject(error)
    waiting.clear()
    drained.resolve(0)
    if (!draining) failed.reject(error)
  }

  const say = (message: ToThread) => worker?.postMessage(message)
  return {
    apply(plan, certificates) {
      if (!worker && plan.listeners.length === 0) return Promise.resolve()
      worker ??= begin()
      lastId += 1
      const id = lastId
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        say({ type: 'apply', id, plan, certificates })
      })
    },
    use: (certificates) => say({ type: 'certificates', certificates }),
    know(next) {
      targets = next
      say({ type: 'targets', targets })
    },
    drain(budget) {
      draining = true
      if (!worker) return Promise.resolve(0)
      say({ type: 'drain', budget })
      return drained.promise
    },
    failure: failed.promise,
  }
}

function startWorker(birth: ThreadBirth): Worker {
  const options = { workerData: birth, name: 'gateway' }
  return isSingleExecutable
    ? new Worker(embeddedAsset('gateway-thread.js'), { ...options, eval: true })
    : new Worker(new URL('../gateway/thread.ts', import.meta.url), options)
}
