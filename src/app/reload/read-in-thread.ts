import { Worker } from 'node:worker_threads'
import type { Diagnostic } from '../../config/diagnostics.ts'
import type { Plan } from '../../plan/model/plan.ts'
import { deepFreeze } from '../../plan/resolve/freeze.ts'
import { embeddedAsset, isSingleExecutable } from '../../shared/assets.ts'
import type { Piece } from './plan-pieces.ts'
import type { ReadOrder } from './plan-reader.ts'
import type { PlanToRun } from './plan-to-run.ts'

/**
 * Reads the plan in a thread of its own: supervision, probes and the control API go on however long a file is. Of very many
 * diagnostics it has the first. Rejects if the thread fails, for want of memory for example.
 */
export function readPlanAside(order: ReadOrder): Promise<PlanToRun> {
  return new Promise((resolve, reject) => {
    const worker = start(order)
    let read: PlanToRun | undefined
    const routes: Plan['gateway']['routes'][number][] = []
    const processes: Plan['processes'][number][] = []
    worker.on('message', (piece: Piece) => {
      // What was frozen is not any more when it comes out of a message.
      switch (piece.kind) {
        case 'reading':
          read = { ...piece.reading, diagnostics: withRest(piece.reading.diagnostics, piece.moreDiagnostics) }
          break
        case 'routes':
          for (const route of piece.items) routes.push(deepFreeze(route))
          break
        case 'processes':
          deepFreeze(processes.at(-1))
          processes.push(...piece.items)
          for (const process of piece.items.slice(0, -1)) deepFreeze(process)
          break
        case 'variables':
          addVariables(processes.at(-1)?.environment ?? {}, piece.items)
          break
        case 'end':
          deepFreeze(processes.at(-1))
          if (read) resolve(whole(read, routes, processes))
          return
      }
      worker.postMessage('next')
    })
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the thread that read the file ended before it was done')))
  })
}

function whole(
  { plan, ...rest }: PlanToRun,
  routes: Plan['gateway']['routes'],
  processes: Plan['processes'],
): PlanToRun {
  if (!plan) return rest
  // The long parts are frozen already, and are not gone through again.
  const gateway = { ...plan.gateway, routes: Object.freeze(routes) }
  return { ...rest, plan: deepFreeze({ ...plan, processes: Object.freeze(processes), gateway }) }
}

function addVariables(environment: Record<string, string>, variables: readonly (readonly [string, string])[]): void {
  for (const [name, value] of variables) {
    // One called `__proto__` would not become a variable otherwise.
    if (name in environment) Object.defineProperty(environment, name, { value, enumerable: true, configurable: true })
    else environment[name] = value
  }
}

function withRest(diagnostics: readonly Diagnostic[], more: number): readonly Diagnostic[] {
  const last = diagnostics.at(-1)
  if (more === 0 || !last) return diagnostics
  return [
    ...diagnostics,
    { ...last, message: `and ${more} more, which \`gatehouse check\` shows`, hint: undefined } as Diagnostic,
  ]
}

function start(workerData: ReadOrder): Worker {
  const options = { workerData, name: 'plan-reader' }
  return isSingleExecutable
    ? new Worker(embeddedAsset('plan-reader.js'), { ...options, eval: true })
    : new Worker(new URL('./plan-reader.ts', import.meta.url), options)
}
