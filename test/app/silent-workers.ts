import { createGatewayWorkers, type GatewayWorkers } from '../../src/app/workers/workers.ts'
import { createRateLimitMemory } from '../../src/gateway/guards/rate-limit/table.ts'

/** Real gateway threads, which say nothing and count nothing; they begin with the first plan. To be drained in the end. */
export function silentWorkers(): GatewayWorkers {
  const setup = {
    log: { level: 'error', format: 'json' },
    terminal: false,
    stdout: { fd: 1 },
    metrics: false,
    rateLimits: createRateLimitMemory(),
  } as const
  return createGatewayWorkers({ setup, log: { info() {}, warn() {}, error() {} } })
}
