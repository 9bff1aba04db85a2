import { Worker } from 'node:worker_threads'
import type { FromThread, ThreadBirth, ToThread } from '../gateway/messages.ts'
import type { ServedCertificate, TargetStates } from '../gateway/ports.ts'
import type { GatewayPlan } from '../plan/types.ts'
import { embeddedAsset, isSingleExecutable } from '../shared/assets.ts'
import { GatehouseError } from '../shared/errors.ts'

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

export function startGatewayThreads(birth: ThreadBirth): GatewayThreads {
  const worker = isSingleExecutable
    ? new Worker(embeddedAsset('gateway-thread.js'), { eval: true, workerData: birth, name: 'gateway' })
    : new Worker(new URL('../gateway/thread.ts', import.meta.url), { workerData: birth, name: 'gateway' })
  const waiting = new Map<number, { resolve(): void; reject(error: Error): void }>()
  const drained = Promise.withResolvers<number>()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {}) // told through whoever awaits it; alone it must not end the process
  let lastId = 0
  let draining = false

  worker.on('message', (message: FromThread) => {
    if (message.type === 'drained') return drained.resolve(message.cut)
    const applied = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error === undefined) applied?.resolve()
    else applied?.reject(new GatehouseError('gateway-failed', message.error))
  })
  worker.on('error', (error) =>
    end(new GatehouseError('gateway-failed', `a gateway thread failed: ${error}`, { cause: error })),
  )
  worker.on('exit', () => end(new GatehouseError('gateway-failed', 'a gateway thread ended')))

  function end(error: GatehouseError): void {
    for (const applied of waiting.values()) applied.reject(error)
    waiting.clear()
    drained.resolve(0)
    if (!draining) failed.reject(error)
  }

  const say = (message: ToThread) => worker.postMessage(message)
  return {
    apply(plan, certificates) {
      lastId += 1
      const id = lastId
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        say({ type: 'apply', id, plan, certificates })
      })
    },
    use: (certificates) => say({ type: 'certificates', certificates }),
    know: (targets) => say({ type: 'targets', targets }),
    drain(budget) {
      draining = true
      say({ type: 'drain', budget })
      return drained.promise
    },
    failure: failed.promise,
  }
}
