import type { Worker } from 'node:worker_threads'
import type { Diagnostic } from '../../config/diagnostics.ts'
import type { Plan } from '../../plan/model/plan.ts'
import { deepFreeze } from '../../plan/resolve/freeze.ts'
import { startWorker } from '../workers/start-worker.ts'
import type { Piece } from './plan-pieces.ts'
import type { ReadRequest } from './plan-reader.ts'
import type { PlanToRun } from './plan-to-run.ts'

/**
 * Reads the plan in a thread of its own, so that a long file does not hold up supervision, probes and the control API.
 * Of very many diagnostics the result has the first ones. Rejects if the thread fails, for example because it runs out
 * of memory.
 */
export function readPlanInThread(request: ReadRequest): Promise<PlanToRun> {
  return new Promise((resolve, reject) => {
    const worker = start(request)
    let read: PlanToRun | undefined
    const routes: Plan['gateway']['routes'][number][] = []
    const processes: Plan['processes'][number][] = []
    worker.on('message', (piece: Piece) => {
      // A message is a copy, which is not frozen.
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
          if (read) resolve(assemble(read, routes, processes))
          return
      }
      worker.postMessage('next')
    })
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the thread that reads the file ended early')))
  })
}

function assemble(
  { plan, ...rest }: PlanToRun,
  routes: Plan['gateway']['routes'],
  processes: Plan['processes'],
): PlanToRun {
  if (!plan) return rest
  // The long parts are frozen already: deepFreeze does not walk them again.
  const gateway = { ...plan.gateway, routes: Object.freeze(routes) }
  return { ...rest, plan: deepFreeze({ ...plan, processes: Object.freeze(processes), gateway }) }
}

function addVariables(environment: Record<string, string>, variables: readonly (readonly [string, string])[]): void {
  for (const [name, value] of variables) {
    // A plain assignment to `__proto__` would set no variable.
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

function start(workerData: ReadRequest): Worker {
  const code = { asset: 'plan-reader.js', source: 'app/reload/plan-reader.ts' } as const
  return startWorker(code, { workerData, name: 'plan-reader' })
}
