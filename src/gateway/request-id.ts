import { randomUUID } from 'node:crypto'
import type { RequestIdPlan } from '../plan/types.ts'

const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/** The client's own id if the plan accepts it, else a new one: an id that anything may hold could forge log lines. */
export function requestIdOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  plan: RequestIdPlan,
): string {
  const sent = headers[plan.header]
  return plan.accept === 'uuid-v4' && typeof sent === 'string' && uuidV4.test(sent) ? sent : randomUUID()
}
