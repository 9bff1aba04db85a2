/**
 * What was read, in pieces: what the main thread takes in at one time, it cannot supervise meanwhile.
 */
import type { Plan } from '../../plan/model/plan.ts'
import type { PlanToRun } from './plan-to-run.ts'

/** The first has all but what is long, which comes after it; each is sent when the main thread says that it is ready for it. */
export type Piece =
  | { readonly kind: 'reading'; readonly reading: PlanToRun; readonly moreDiagnostics: number }
  | { readonly kind: 'routes'; readonly items: Plan['gateway']['routes'] }
  /** The last of them may lack variables: they come behind it. */
  | { readonly kind: 'processes'; readonly items: Plan['processes'] }
  | { readonly kind: 'variables'; readonly items: readonly (readonly [string, string])[] }
  | { readonly kind: 'end' }

/** What a piece may weigh, about: each takes some milliseconds to be taken in. */
const routesAtATime = 500
const variablesAtATime = 5_000
/** Nobody reads more of them in a log. */
const mostDiagnostics = 100

/** The pieces of what was read, in their order. */
export function* piecesOf({ plan, diagnostics, ...rest }: PlanToRun): Generator<Piece> {
  const bare = plan && { ...plan, processes: [], gateway: { ...plan.gateway, routes: [] } }
  const reading = { ...rest, diagnostics: foremost(diagnostics), ...(bare && { plan: bare }) }
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

/** Errors before all others: they say why there is no plan. */
function foremost(diagnostics: PlanToRun['diagnostics']): PlanToRun['diagnostics'] {
  if (diagnostics.length <= mostDiagnostics) return diagnostics
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  const others = diagnostics.filter(({ severity }) => severity !== 'error')
  return [...errors, ...others].slice(0, mostDiagnostics)
}
