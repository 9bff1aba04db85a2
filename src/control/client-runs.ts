import { GatehouseError } from '../shared/errors.ts'
import { ask, failureOf, parseJson } from './client.ts'
import { failureSchema } from './contract.ts'
import { type Refusal, type RunReport, refusals, runSchema } from './contract-runs.ts'

export interface Refused {
  readonly refused: Refusal
  readonly message: string
}

/**
 * Has a task run now; with `wait` resolves when the run is over, however long that takes. Throws as `readStatus` does.
 */
export async function startTask(socket: string, name: string, wait: boolean): Promise<RunReport | Refused> {
  const path = `/v1/processes/${encodeURIComponent(name)}/start${wait ? '?wait=true' : ''}`
  const { status, body } = await ask(socket, { method: 'POST', path, ...(!wait && { timeout: 5_000 }) })
  const answer = parseJson(body)
  const run = runSchema.safeParse(answer)
  if (run.success) return run.data
  const failure = failureSchema.safeParse(answer)
  const refusal = refusals.find((code) => code === failure.data?.error.code)
  if (failure.success && refusal) return { refused: refusal, message: failure.data.error.message }
  throw new GatehouseError('control-failed', `${socket}: ${failureOf(status, body)}`)
}
