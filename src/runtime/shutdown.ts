import type { House } from './house.ts'

/**
 * Ends everything inside the plan's budget: requests in flight are answered, then the processes are stopped in reverse
 * order. At least half of the budget is left to the processes, so that slow clients cannot cost a database its time.
 */
export async function shutdown(house: House, reason: string): Promise<void> {
  const { log, plan, threads, supervisor, certificates, health, control } = house
  const started = performance.now()
  const { budget } = plan.shutdown
  log.info(`stopping: ${reason}`, { budget })
  const cut = await threads.drain(budget / 2)
  if (cut > 0) log.warn(`${cut} requests were still unanswered after half of the budget and were cut`, { cut })
  await supervisor.stop({ budget: budget - (performance.now() - started) })
  certificates.close()
  health.close()
  house.metrics?.close()
  await control.close()
  log.info('stopped', { duration: Math.round(performance.now() - started) })
}
