import type { Certificates } from '../certificates/maintain.ts'
import type { Control } from '../control/server.ts'
import type { HealthChecks } from '../health/health-checks.ts'
import type { ListenerPlan, Plan } from '../plan/model/plan.ts'
import type { Log } from '../shared/log.ts'
import type { Hooks } from '../supervisor/hooks/hooks.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { LogFiles } from '../telemetry/log-files/log-files.ts'
import type { GeneratedPasswords } from './generated-passwords.ts'
import type { MetricsServer } from './metrics/metrics-server.ts'
import type { GatewayWorkers } from './workers/workers.ts'

/** All parts of a run. They stay until its end; a reload replaces `plan` and `listeners`. */
export interface App {
  plan: Plan
  /** With the ports that are open. */
  listeners: readonly ListenerPlan[]
  readonly log: Log
  /** Undefined without `log.directory`. */
  readonly files: LogFiles | undefined
  /** Nothing serves or runs yet. */
  starting: boolean
  stopping: boolean
  readonly supervisor: Supervisor
  readonly hooks: Hooks
  readonly certificates: Certificates
  readonly workers: GatewayWorkers
  readonly passwords: GeneratedPasswords
  readonly health: HealthChecks
  readonly control: Control
  /** Why the last reload was refused, as a sentence; absent if it was not, or if there was none. */
  refusedReload?: string
  /** Absent without `metrics` in the plan. */
  metrics?: MetricsServer
}
