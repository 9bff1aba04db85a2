import { type Refusal, type RunReport, refusals, runSchema } from '../contract/runs.ts'
import { order, type Refused } from './request.ts'

/**
 * Has a task run or a service start now; with `wait` resolves when the run is over or the service is ready, however long that
 * takes. Throws as `readStatus` does.
 */
export function startProcess(socket: string, name: string, wait: boolean): Promise<RunReport | Refused<Refusal>> {
  const path = `/v1/processes/${encodeURIComponent(name)}/start${wait ? '?wait=true' : ''}`
  const question = { method: 'POST', path, ...(!wait && { timeout: 5_000 }) } as const
  return order(socket, question, { result: runSchema, refusals })
}
