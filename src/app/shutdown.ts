import { formatDuration, type Milliseconds } from '../shared/time/duration.ts'
import { sleep as pause } from '../shared/time/timer.ts'
import type { App } from './app.ts'

/** Hooks get the events of the last processes, too: the rest of the budget, and a moment even if nothing is left. */
function hookTime(left: Milliseconds): Milliseconds {
  return Math.min(Math.max(left, 500), 5_000)
}

/**
 * Stops everything within the plan's budget: readiness is withdrawn from load balancers, requests in flight are
 * answered, then the processes are stopped in reverse order. They get at least half of the budget after the
 * deregistration delay, so that slow clients cannot cost a database its time.
 */
export async function shutdown(app: App, reason: string): Promise<void> {
  const { log, plan, workers, supervisor, certificates, health, control } = app
  const started = performance.now()
  app.stopping = true
  const { budget, deregistrationDelay } = plan.shutdown
  log.info(`stopping: ${reason}`, { budget })
  if (deregistrationDelay > 0) {
    workers.withdraw()
    await pause(deregistrationDelay)
  }
  const patience = Math.round((budget - deregistrationDelay) / (plan.processes.length > 0 ? 2 : 1))
  const cut = await workers.drain(patience)
  if (cut > 0) log.warn(`cut ${cut} requests that were still unanswered after ${formatDuration(patience)}`, { cut })
  await supervisor.stop({ budget: budget - (performance.now() - started) })
  await app.hooks.close(hookTime(budget - (performance.now() - started)))
  certificates.close()
  health.close()
  app.metrics?.close()
  await control.close()
  log.info('stopped', { duration: Math.round(performance.now() - started) })
}
