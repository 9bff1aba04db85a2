import { formatDuration, type Milliseconds } from '../shared/time/duration.ts'
import { sleep as pause } from '../shared/time/timer.ts'
import type { App } from './app.ts'

/** Hooks hear of the last processes, too: they get what is left of the budget, and a moment even if nothing is. */
function hookTime(left: Milliseconds): Milliseconds {
  return Math.min(Math.max(left, 500), 5_000)
}

/**
 * Ends everything inside the plan's budget: load balancers are told to send no more, requests in flight are answered, then the processes are stopped in reverse
 * order. At least half of what is then left of the budget is to the processes, where there are any, so that slow clients cannot cost a
 * database its time.
 */
export async function shutdown(house: App, reason: string): Promise<void> {
  const { log, plan, threads, supervisor, certificates, health, control } = house
  const started = performance.now()
  house.stopping = true
  const { budget, deregistrationDelay } = plan.shutdown
  log.info(`stopping: ${reason}`, { budget })
  if (deregistrationDelay > 0) {
    threads.withdraw()
    await pause(deregistrationDelay)
  }
  const patience = Math.round((budget - deregistrationDelay) / (plan.processes.length > 0 ? 2 : 1))
  const cut = await threads.drain(patience)
  if (cut > 0) log.warn(`${cut} requests were still unanswered after ${formatDuration(patience)} and were cut`, { cut })
  await supervisor.stop({ budget: budget - (performance.now() - started) })
  await house.hooks.close(hookTime(budget - (performance.now() - started)))
  certificates.close()
  health.close()
  house.metrics?.close()
  await control.close()
  log.info('stopped', { duration: Math.round(performance.now() - started) })
}
