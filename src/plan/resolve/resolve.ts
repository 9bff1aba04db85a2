/** Turns a loaded config into a plan, or into everything that is wrong with it. */
import { type Diagnostic, hasErrors, type Problem, sortDiagnostics, toDiagnostic } from '../../config/diagnostics.ts'
import type { Loaded } from '../../config/load.ts'
import type { Plan } from '../model/plan.ts'
import { checks } from '../validate/checks.ts'
import { resolveCertificates } from './certificates.ts'
import { deepFreeze } from './freeze.ts'
import { resolveGateway } from './gateway/gateway.ts'
import { resolveHooks } from './hooks.ts'
import { createPlanContext, type Machine, type PlanContext } from './plan-context.ts'
import { resolveLog } from './process/output.ts'
import { resolveProcesses } from './process/processes.ts'
import { resolveTrustStores } from './trust-stores.ts'

export interface Resolved {
  /** Deeply frozen; present if and only if no diagnostic is an error. */
  readonly plan?: Plan
  /** Including those of loading, in the order of the file. */
  readonly diagnostics: readonly Diagnostic[]
}

/** Looks at the disk only. The valid parts of an invalid file are checked as well. */
export function resolve(loaded: Loaded, machine: Machine): Resolved {
  if (!loaded.content) return { diagnostics: loaded.diagnostics }
  const found: Diagnostic[] = [...loaded.diagnostics]
  const report = (problem: Problem) => found.push(toDiagnostic(problem))
  const context = createPlanContext(loaded.content, machine, report)
  for (const check of checks) check(context, report)
  const diagnostics = sortDiagnostics(found)
  return hasErrors(diagnostics) ? { diagnostics } : { plan: deepFreeze(plan(context, machine)), diagnostics }
}

function plan(context: PlanContext, { places }: Machine): Plan {
  const { config, content, storage, socket } = context
  const inOwnFolder = [storage, socket].some((path) => path.startsWith(`${places.ownFolder}/`))
  return {
    file: content.path,
    processes: resolveProcesses(context),
    hooks: resolveHooks(context),
    gateway: resolveGateway(context),
    certificates: resolveCertificates(context),
    trustStores: resolveTrustStores(context),
    storage,
    control: { socket },
    ...(inOwnFolder && { ownFolder: places.ownFolder }),
    shutdown: config.shutdown,
    log: resolveLog(context),
    ...(config.metrics && { metrics: config.metrics.address }),
  }
}
