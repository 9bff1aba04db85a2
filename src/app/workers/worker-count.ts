import type { GatewayPlan } from '../../plan/model/plan.ts'
import { allowedCpus } from './cpus.ts'

/**
 * How many gateway threads the plan gets. One for two CPUs leaves the other to the main thread and the children; a plan
 * without listeners needs none. Only Linux spreads connections over several listeners of one port (SO_REUSEPORT).
 */
export function workerCount({ threads, listeners }: GatewayPlan, platform = process.platform): number {
  if (listeners.length === 0) return 0
  if (platform !== 'linux') return 1
  return threads === 'auto' ? Math.max(1, Math.floor(allowedCpus() / 2)) : threads
}
