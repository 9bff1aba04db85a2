import { hostname } from 'node:os'
import type { LogPlan } from '../plan/model/plan.ts'
import type { OutputSink } from '../supervisor/output/output-sink.ts'
import { createLogFiles, type LogFiles } from '../telemetry/log-files/log-files.ts'
import type { Logger } from '../telemetry/logger.ts'

/** Undefined without `log.directory`. Gatehouse's own log goes there as well, as JSON, under the name `gatehouse`. */
export function openLogFiles({ files: plan }: LogPlan, logger: Logger): LogFiles | undefined {
  if (!plan) return undefined
  const files = createLogFiles({ ...plan, hostname: hostname(), log: logger.named('gatehouse') })
  logger.copyOwn((line) => files.line('gatehouse', 'stdout', line))
  return files
}

/** Where the output of children goes. */
export function outputTo(logger: Logger, files: LogFiles | undefined): OutputSink {
  return { line: files ? files.line : () => {}, record: logger.output }
}
