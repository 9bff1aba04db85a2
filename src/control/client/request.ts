/** Requests that are answered with a result, or with a refusal that the contract names. */
import type * as z from 'zod'
import { GatehouseError } from '../../shared/errors.ts'
import { failureSchema } from '../contract/contract.ts'
import { ask, type ControlRequest, failureOf, parseJson } from './client.ts'

export interface Refused<Code extends string> {
  readonly refused: Code
  readonly message: string
}

export interface Answers<Result, Code extends string> {
  readonly result: z.ZodType<Result>
  readonly refusals: readonly Code[]
}

/** Throws as `readStatus` does, also for an answer that is neither. */
export async function send<Result, Code extends string>(
  socket: string,
  request: ControlRequest,
  { result, refusals }: Answers<Result, Code>,
): Promise<Result | Refused<Code>> {
  const { status, body } = await ask(socket, request)
  const answer = parseJson(body)
  const done = result.safeParse(answer)
  if (done.success) return done.data
  const failure = failureSchema.safeParse(answer)
  const refused = refusals.find((code) => code === failure.data?.error.code)
  if (failure.success && refused) return { refused, message: failure.data.error.message }
  throw new GatehouseError('control-failed', `${socket}: ${failureOf(status, body)}`)
}
