/** A plan in pieces: while the main thread deserializes a message it cannot supervise, so none may be long. */
import type { Plan } from '../../plan/model/plan.ts'
import type { PlanToRun } from './plan-to-run.ts'

/** The first has all but the long parts, which follow; each is sent when the main thread asks for it. */
export type Piece =
  | { readonly kind: 'reading'; readonly reading: PlanToRun; readonly moreDiagnostics: number }
  | { readonly kind: 'routes'; readonly items: Plan['gateway']['routes'] }
  /** The variables of the last one may follow as pieces of their own. */
  | { readonly kind: 'processes'; readonly items: Plan['processes'] }
  | { readonly kind: 'variables'; readonly items: readonly (readonly [string, string])[] }
  | { readonly kind: 'end' }

/** About the size of a piece: each takes some milliseconds to deserialize. */
const routesAtATime = 500
const variablesAtATime = 5_000
/** Enough for a log; `gatehouse check` prints them all. */
const mostDiagnostics = 100

/** The pieces of what was read, in order. */
export function* piecesOf({ plan, diagnostics, ...rest }: PlanToRun): Generator<Piece> {
  const bare = plan && { ...plan, processes: [], gateway: { ...plan.gateway, routes: [] } }
  const reading = { ...rest, diagnostics: mostImportant(diagnostics), ...(bare && { plan: bare }) }
  yield { kind: 'reading', reading, moreDiagnostics: diagnostics.length - reading.diagnostics.length }
  const routes = plan?.gateway.routes ?? []
  for (let start = 0; start < routes.length; start += routesAtATime)
    yield { kind: 'routes', items: routes.slice(start, start + routesAtATime) }
  yield* processPieces(plan?.processes ?? [])
  yield { kind: 'end' }
}

function* processPieces(processes: Plan['processes']): Generator<Piece> {
  let [items, weight]: [Plan['processes'][number][], number] = [[], 0]
  for (const process of processes) {
    const variables = Object.entries(process.environment)
    const isLong = variables.length > variablesAtATime
    items.push(isLong ? { ...process, environment: {} } : process)
    weight += 50 + variables.length
    if (weight < variablesAtATime) continue
    yield { kind: 'processes', items }
    ;[items, weight] = [[], 0]
    for (let start = 0; isLong && start < variables.length; start += variablesAtATime)
      yield { kind: 'variables', items: variables.slice(start, start + variablesAtATime) }
  }
  if (items.length > 0) yield { kind: 'processes', items }
}

/** Errors first: they say why there is no plan. */
function mostImportant(diagnostics: PlanToRun['diagnostics']): PlanToRun['diagnostics'] {
  if (diagnostics.length <= mostDiagnostics) return diagnostics
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  const others = diagnostics.filter(({ severity }) => severity !== 'error')
  return [...errors, ...others].slice(0, mostDiagnostics)
}
