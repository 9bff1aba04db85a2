import { type Refusal, type RunReport, refusals, runSchema } from '../contract/runs.ts'
import { type Refused, send } from './request.ts'

/**
 * Starts a service or runs a task now; with `wait` resolves when the service is ready or the run is over, however long
 * that takes. Throws as `readStatus` does.
 */
export function startProcess(socket: string, name: string, wait: boolean): Promise<RunReport | Refused<Refusal>> {
  const path = `/v1/processes/${encodeURIComponent(name)}/start${wait ? '?wait=true' : ''}`
  const request = { method: 'POST', path, ...(!wait && { timeout: 5_000 }) } as const
  return send(socket, request, { result: runSchema, refusals })
}
