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

/** What runs. The parts stay for the whole run; `plan` and `listeners` are replaced by a reload. */
export interface App {
  plan: Plan
  /** With the ports that are really open. */
  listeners: readonly ListenerPlan[]
  readonly log: Log
  /** Undefined if the plan asks for none. */
  readonly files: LogFiles | undefined
  /** Nothing of it serves or runs yet. */
  starting: boolean
  /** The end has begun. */
  stopping: boolean
  readonly supervisor: Supervisor
  readonly hooks: Hooks
  readonly certificates: Certificates
  readonly threads: GatewayWorkers
  readonly passwords: GeneratedPasswords
  readonly health: HealthChecks
  readonly control: Control
  /** Why the last reload was refused, in a sentence; absent: it was not, or there was none. */
  refusedReload?: string
  /** Absent if the plan asks for none. */
  metrics?: MetricsServer
}
